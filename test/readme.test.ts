import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { builtCli, ROOT } from './cli/built-cli.ts'
import { checkTypes } from './docs/check-types.ts'
import { userFolder } from './docs/user-folder.ts'

const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const PAGES = readdirSync(join(ROOT, 'docs')).filter(name => name.endsWith('.md'))
const TEXTS = [README, ...PAGES.map(name => readFileSync(join(ROOT, 'docs', name), 'utf8'))]

interface Block {
  readonly language: string
  readonly lines: readonly string[]
}

const blocks: readonly Block[] = TEXTS.flatMap(text => [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]).map(
  ([, language, body]) => ({
    language: language!,
    lines: body!.trimEnd().split('\n'),
  }),
)

/** Programs are those blocks whose first line is their name. */
const PROGRAMS = blocks.flatMap(({ lines }) => /^\/\/ (\S+\.ts)$/.exec(lines[0]!)?.[1] ?? [])

/** A program of the README: the block whose first line is its name. */
function program(name: string): string {
  const block = blocks.find(({ lines }) => lines[0] === `// ${name}`)
  if (!block) throw new Error(`the README has no program ${name}`)
  return `${block.lines.join('\n')}\n`
}

/** Where each command of the README is run; `here`: in this file. */
const COMMANDS: { readonly [command: string]: string } = {
  'npm ci && npm start': 'test/cli/several-files.test.ts',
  'npm ci && npm test': '.ci/run',
  'millrace run orders.ts --console': 'test/console/supervisor.test.ts',
  [String.raw`printf '{"page":"/a","ms":250}\n{"page":"/a","ms":150}\n{"page":"/b","ms":50}\n' > views.txt`]:
    'here',
  'npx millrace run page-views.ts --input views=views.txt --print page-totals --exit-when-idle': 'here',
  'npm create millrace@latest my-app': 'test/cli/init.test.ts',
  'cd my-app && npm install': 'test/cli/init.test.ts',
  'npm run dev': 'test/cli/dev.test.ts',
  'npm install @confluentinc/kafka-javascript': '.ci/run',
  'npx millrace run page-views.ts --brokers localhost:9092': 'test/cli/kafka.test.ts',
  'npm run build && npx tsx test/chaos/main.ts --rows 60000 --kills 3': 'test/chaos/contacts-import.test.ts',
  'npm run build && npx tsx test/chaos/views-main.ts --updates 2000 --kills 2': 'test/chaos/views.test.ts',
  'npm run oracle -- test/oracle/cases': '.ci/run',
  'npm run oracle:fuzz -- --seed 7 --count 50': '.ci/run',
  'npm run bench -- all': '.ci/run',
  'npm run bench -- compare --json results.json --svg chart.svg': '.ci/run',
  'npm run bench -- cost --what keys': '.ci/run',
  'npm run bench -- count --brokers localhost:9092 --guarantee exactly-once': '.ci/run',
  'npm run chaos -- --cluster': 'test/chaos/chaos.test.ts',
  'npm run chaos -- --stalls --count 200   # event loop, process, broker stalled at random points of the commit (25 minutes)':
    'test/chaos/chaos.test.ts',
  'npm run chaos -- --gather --only embedded': 'test/chaos/chaos.test.ts',
  'npm run chaos -- --purchases --seed 1': 'test/chaos/purchases.test.ts',
  'npx millrace run topologies/checkout.ts': 'test/topologies/checkout.test.ts',
  'npm run chaos -- --all --minutes 10     # faults of every kind at once': 'test/chaos/chaos.test.ts',
  'npm run check': '.ci/run',
  'npm run kafka': 'test/kafka/trial.test.ts',
  'npx millrace run topologies/renewals.ts': 'test/topologies/renewals.test.ts',
  'npx millrace schedules renewals.ts list': 'test/cli/schedules.test.ts',
  'npx millrace schedules renewals.ts next renewal-run --count 5': 'test/cli/schedules.test.ts',
  'npx millrace schedules renewals.ts pause renewal-run --reason "prices are wrong"':
    'test/cli/schedules.test.ts',
  [`npx millrace schedules renewals.ts put renew-u7 --cron '0 6 1 * *' --time-zone Europe/Berlin --to renewals --key u7 --value '{"plan":"yoga"}'`]:
    'test/cli/schedules.test.ts',
  'npx millrace dlq renewals.ts list --operator charge --since 2h': 'test/cli/dlq.test.ts',
  'npx millrace dlq renewals.ts show renewals-3-1841': 'test/cli/dlq.test.ts',
  'npx millrace dlq renewals.ts replay --error CardDeclined --dry-run': 'test/cli/dlq.test.ts',
  'npx millrace dlq renewals.ts replay --error CardDeclined': 'test/cli/dlq.test.ts',
  'npx millrace dlq renewals.ts purge --before 30d': 'test/cli/dlq.test.ts',
  'npx millrace control renewals.ts pause charge --key u7 --reason "fraud check"': 'test/cli/control.test.ts',
  'npx millrace control renewals.ts resume charge --key u7': 'test/cli/control.test.ts',
  'npx millrace control renewals.ts skip charge renewals-3-1841 --reason "typo in the address"':
    'test/cli/control.test.ts',
  'npx millrace control renewals.ts ignore charge --partition 3': 'test/cli/control.test.ts',
  'npx millrace control renewals.ts list': 'test/cli/control.test.ts',
  'npx millrace control renewals.ts history': 'test/cli/control.test.ts',
}

const run = promisify(execFile)

/** A user's folder with the README's programs, and a test runner. */
async function programsFolder(): Promise<string> {
  // Commands would take what it says.
  const programs = PROGRAMS.filter(name => name !== 'millrace.config.ts')
  const directory = await userFolder(new Map(programs.map(name => [name, program(name)])))
  await symlink(join(ROOT, 'node_modules/vitest'), join(directory, 'node_modules/vitest'))
  return directory
}

beforeAll(async () => void (await builtCli()))

describe('README and docs', () => {
  it('have no command that is not run somewhere', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ lines }) => lines)
    expect([...new Set(commands)].sort()).toEqual(Object.keys(COMMANDS).sort())
    for (const place of Object.values(COMMANDS))
      expect(place === 'here' || existsSync(join(ROOT, place)), place).toBe(true)
  })

  it('have programs that hold to the types', async () => {
    expect(PROGRAMS.length).toBeGreaterThan(5)
    expect(new Set(PROGRAMS).size).toBe(PROGRAMS.length)
    const directory = await programsFolder()
    await writeFile(join(directory, 'millrace.config.ts'), program('millrace.config.ts'))
    await checkTypes(directory, PROGRAMS)
  })

  it('have a topology of 20-odd lines that runs by its commands, and goes on when run again', async () => {
    const directory = await programsFolder()
    const [write, millrace] = Object.keys(COMMANDS).filter(command => COMMANDS[command] === 'here')
    await run('sh', ['-c', write!], { cwd: directory })
    const command = millrace!.replace('npx millrace', `${process.execPath} ${await builtCli()}`)
    const first = await run('sh', ['-c', command], { cwd: directory })
    expect(README).toContain('prints `/a\t{"views":2,"ms":400}`')
    expect(first.stdout.trim().split('\n').at(-1)).toBe('/a\t{"views":2,"ms":400}')
    const second = await run('sh', ['-c', command], { cwd: directory })
    expect(second.stdout.trim().split('\n').at(-1)).toBe('/a\t{"views":4,"ms":800}')
  })

  it('have tests that pass', async () => {
    const tests = PROGRAMS.filter(name => name.endsWith('.test.ts'))
    const directory = await programsFolder()
    const vitest = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', directory]
    const { stdout } = await run(process.execPath, vitest, {
      cwd: directory,
      env: { ...process.env, NO_COLOR: '1' },
    })
    expect(tests.length).toBeGreaterThan(1)
    expect(stdout).toMatch(new RegExp(`Tests +${tests.length} passed`))
  })

  it('have checks of the pages that pass', async () => {
    const directory = await programsFolder()
    const checks = PROGRAMS.filter(
      name => program(name).includes("from 'vitest'") && !name.endsWith('.test.ts'),
    )
    expect(checks).toHaveLength(3)
    const config = join(directory, 'vitest.config.mjs')
    await writeFile(config, `export default { test: { include: ${JSON.stringify(checks)} } }`)
    const vitest = [
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      directory,
      '--config',
      config,
    ]
    const env = { ...process.env, NO_COLOR: '1', MILLRACE_BROKERS: 'memory' }
    const { stdout } = await run(process.execPath, vitest, { cwd: directory, env })
    expect(stdout).toMatch(/Test Files +3 passed/)
  })

  it('have topologies that can be described', async () => {
    const directory = await programsFolder()
    const millrace = await builtCli()
    // Their serdes ask a registry first.
    const asking = ['payments.ts', 'orders-by-registry.ts']
    const topologies = PROGRAMS.filter(
      name =>
        /^export default (builder\.build\(|new Topology\(|visitTopology\()/m.test(program(name)) &&
        !asking.includes(name),
    )
    expect(topologies.length).toBeGreaterThan(4)
    for (const name of topologies) {
      const { stdout } = await run(process.execPath, [millrace, 'describe', name], { cwd: directory })
      expect(stdout, name).toContain('Sub-topology: 0')
    }
  })

  it.each(['read-spent.ts', 'watch-spent.ts', 'uncaught.ts', 'manual-clock-check.ts'])(
    'have a program that runs and ends: %s',
    async name => {
      const directory = await programsFolder()
      // Makes the topics of what the program reads, as those before it on its page have.
      const tsx = join(ROOT, 'node_modules/.bin/tsx')
      if (name === 'watch-spent.ts') await run(tsx, ['embed.ts'], { cwd: directory })
      const { stderr } = await run(tsx, [name], { cwd: directory })
      expect(stderr).not.toContain('Assertion failed')
    },
  )

  it('have a program that embeds it, and one that serves over HTTP what that has counted', async () => {
    const directory = await programsFolder()
    const tsx = join(ROOT, 'node_modules/.bin/tsx')
    const embedded = await run(tsx, ['embed.ts'], { cwd: directory })
    expect(embedded.stdout.trim()).toBe('/a { views: 1, ms: 250 }')
    const served = await run(tsx, ['serve.ts'], { cwd: directory })
    expect(served.stdout.trim()).toBe('200 { views: 1, ms: 250 }')
  })
})
