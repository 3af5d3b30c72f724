import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Admin, Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { executeReset } from '../../lib/cli/reset/execute-reset.ts'
import { planReset } from '../../lib/cli/reset/plan-reset.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { serdes, StreamsBuilder } from '../../lib/index.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

/** Counts the words of `lines`: a repartition topic, a changelog. */
const COUNT = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
builder
  .stream('lines', { keySerde: serdes.string(), valueSerde: serdes.string() })
  .groupBy(line => line, { keySerde: serdes.string(), valueSerde: serdes.string() })
  .count({ storeName: 'counts', keySerde: serdes.string() })
  .toStream()
  .to('counted', { keySerde: serdes.string(), valueSerde: serdes.int64() })
export default builder.build()
export const topics = ['lines', 'counted'].map(topic => ({ topic, partitionCount: 1 }))
`

const FILES = { 'count.ts': COUNT, 'lines.txt': 'a\nb\na\n' }

describe('millrace reset', () => {
  const counts = async (directory: string, ...input: string[]) => {
    const args = ['run', 'count.ts', '--exit-when-idle', '--print', 'counted', ...input]
    const { stdout } = await runCli(args, { directory })
    return stdout
      .split('\n')
      .filter(line => line !== '')
      .sort()
  }

  it('says what it would do; does it with --execute; then the application begins anew', async () => {
    const directory = await directoryWith(FILES)
    const state = `${directory}/.millrace/count`
    expect(await counts(directory, '--input', 'lines=lines.txt')).toContain('a\t2')
    const reset = (...args: string[]) => runCli(['reset', 'count.ts', ...args], { directory })
    const topics = async () => (await runCli(['topics', 'list'], { directory })).stdout.trim().split('\n')
    const all = await topics()

    const dry = await reset()
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    const lines = dry.stdout.trim().split('\n')
    expect(lines[0]).toMatch(/^offset of lines-0: would be moved from [3-9] to 0$/)
    const internal = all.filter(topic => topic.startsWith('count-'))
    expect(internal).toHaveLength(2)
    expect(lines.slice(1)).toEqual([
      ...internal.map(topic => `topic ${topic}: would be deleted`),
      'directory .millrace/count: would be removed',
      'nothing is changed; add --execute to do it',
    ])
    expect(await topics()).toEqual(all)
    expect(existsSync(state)).toBe(true)

    const done = await reset('--execute')
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(/\ncount is reset\n$/)
    expect(await topics()).toEqual(['counted', 'lines'])
    expect(existsSync(state)).toBe(false)
    // The same counts again, from the same lines: neither doubled nor missing.
    expect(await counts(directory)).toContain('a\t2')
  })

  it('--to-latest: only what comes later counts', async () => {
    const directory = await directoryWith(FILES)
    await counts(directory, '--input', 'lines=lines.txt')
    const end = await runCli(['reset', 'count.ts', '--to-latest', '--execute'], { directory })
    expect(end.code).toBe(0)
    const after = await counts(directory, '--input', 'lines=lines.txt')
    expect(after).toContain('a\t2')
    expect(after).not.toContain('a\t4')
  })

  it('an embedded broker of an application that runs is in use, and nothing is changed', async () => {
    const directory = await directoryWith(FILES)
    const running = await CliProcess.start(['run', 'count.ts'], { directory })
    await running.logged('count is running')
    const end = await runCli(['reset', 'count.ts', '--execute'], { directory })
    expect(end).toMatchObject({ code: 1, stdout: '' })
    expect(end.stderr).toContain('in use by another process')
    expect((await running.stop()).code).toBe(0)
  })

  it.each([
    { args: ['--to-latest', '--to-offset', '3'], says: "option '--to-latest' cannot be used with option" },
    { args: ['--to-offset', 'x'], says: 'It must be a whole number of at least 0' },
    { args: ['--application-id', 'a b'], says: 'applicationId is "a b"' },
    { args: ['--brokers', 'memory'], says: 'BROKER_IN_MEMORY' },
    { args: [], says: 'EMBEDDED_BROKER_MISSING' },
  ])('wrong usage, exit code 2: $args', async ({ args, says }) => {
    const end = await runCli(['reset', 'count.ts', ...args], { directory: await directoryWith(FILES) })
    expect(end.stderr).toContain(says)
    expect(end).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('a reset', () => {
  const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

  function planOf() {
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('lines', strings)
      .groupBy(line => line, strings)
      .count({ storeName: 'counts', keySerde: serdes.string() })
    builder.stream<string, string>(/more-.*/, strings).forEach(() => undefined)
    builder.table('kept', { storeName: 'kept', ...strings })
    builder.globalTable('everywhere', { storeName: 'everywhere', ...strings })
    // Whose changelog is its source.
    return builder.build({ optimization: ['reuse.ktable.source.topics'] }).plan('count')
  }

  const repartitionOf = (plan: ReturnType<typeof planOf>) => [...plan.repartitionTopics.keys()][0]!

  /** As an application leaves it. */
  async function stage() {
    const broker = await openEmbeddedBroker()
    const admin = await broker.admin()
    const stateDir = await temporaryDirectory()
    const plan = planOf()
    const internal = { [repartitionOf(plan)]: 1, 'count-counts-changelog': 1 }
    await createTopics(broker, {
      lines: 1,
      'more-1': 1,
      kept: 1,
      everywhere: 1,
      'count-old-changelog': 1,
      ...internal,
    })
    await produce(broker, 'lines', 1, [
      ['a', 'x'],
      ['b', 'y'],
      ['c', 'z'],
    ])
    const member = await broker.consumer({
      clientId: 'm',
      isolation: 'read_committed',
      group: { groupId: 'count' },
    })
    await member.commit([{ topic: 'lines', partition: 0, offset: 2 }])
    return { broker, admin, plan, stateDir, member }
  }

  it('concerns inputs, by pattern too, and internal topics; a table keeps its source, leftovers are named', async () => {
    const { admin, plan, stateDir } = await stage()
    const planned = await planReset({ plan, stateDir }, admin, 'latest')
    expect(planned.moves).toEqual([
      { topic: 'kept', partition: 0, from: undefined, to: 0 },
      { topic: 'lines', partition: 0, from: 2, to: 3 },
      { topic: 'more-1', partition: 0, from: undefined, to: 0 },
    ])
    expect(planned.topics).toEqual([repartitionOf(plan), 'count-counts-changelog'].sort())
    expect(planned.others).toEqual(['count-old-changelog'])
    expect(planned.stateDirs).toEqual([])
    const near = await planReset({ plan, stateDir }, admin, { offset: 1 })
    expect(near.moves.map(({ to }) => to)).toEqual([0, 1, 0])
  })

  it('is refused while the group has members', async () => {
    const { broker, admin, plan, stateDir, member } = await stage()
    const listener = { assigned: () => undefined, revoked: () => undefined, lost: () => undefined }
    member.subscribe(['lines'], listener)
    await member.ready(0)
    const refused = planReset({ plan, stateDir }, admin, 'earliest')
    await expect(refused).rejects.toMatchObject({
      code: 'GROUP_NOT_EMPTY',
      message: expect.stringContaining('its group has 1 members (m)') as string,
    })
    await member.close()
    await broker.close()
  })

  it.each(['deleteGroup', 'commit', 'deleteTopics'] as const)(
    'that dies in the middle, at %s, does the rest when it is run again',
    async at => {
      const { broker, admin, plan, stateDir } = await stage()
      const around = { logger: silentLogger, signal: new AbortController().signal }
      const planned = await planReset({ plan, stateDir }, admin, 'earliest')
      const failing = failingAt(at, { broker, admin })
      await expect(executeReset(planned, { ...failing, ...around })).rejects.toMatchObject({
        code: 'RESET_INCOMPLETE',
        message: expect.stringContaining('the brokers are gone. Run it again') as string,
      })

      const rest = await planReset({ plan, stateDir }, admin, 'earliest')
      await executeReset(rest, { broker, admin, ...around })
      const partition = { topic: 'lines', partition: 0 }
      expect([...(await admin.groupOffsets('count', [partition])).values()]).toMatchObject([{ offset: 0 }])
      const left = await admin.listTopics()
      expect([...left].sort()).toEqual(['count-old-changelog', 'everywhere', 'kept', 'lines', 'more-1'])
    },
  )

  it('ends between two steps when it is told to stop', async () => {
    const { broker, admin, plan, stateDir } = await stage()
    const planned = await planReset({ plan, stateDir }, admin, 'earliest')
    const signal = AbortSignal.abort()
    const ended = executeReset(planned, { broker, admin, logger: silentLogger, signal })
    await expect(ended).rejects.toMatchObject({ code: 'RESET_INCOMPLETE' })
    expect(await admin.listTopics()).toContain('count-counts-changelog')
  })

  /** What the brokers answer until they are gone: at the call of this name. */
  function failingAt(name: string, { broker, admin }: { broker: Broker; admin: Admin }) {
    const gone = () => Promise.reject(new Error('the brokers are gone'))
    const cut = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(_, property) {
          if (property === name) return gone
          const found: unknown = Reflect.get(target, property, target)
          return typeof found === 'function' ? (found.bind(target) as unknown) : found
        },
      })
    const behind = {
      name: broker.name,
      admin: () => broker.admin(),
      producer: (options: Parameters<Broker['producer']>[0]) => broker.producer(options),
      consumer: async (options: Parameters<Broker['consumer']>[0]) => cut(await broker.consumer(options)),
      close: () => broker.close(),
    }
    return { admin: cut(admin), broker: behind }
  }
})
