import { packageVersion } from '../../common/package-version.ts'
import { basename, relative, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { Questions } from '../output/questions.ts'
import { exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { installDependencies, packageManager } from '../init/install-dependencies.ts'
import { print } from '../output/output.ts'
import { projectFiles, TEMPLATES, type TemplateName } from '../init/project-files.ts'
import { checkTarget, writeProject } from '../init/write-project.ts'

const EXAMPLES = `
Templates:
${TEMPLATES.map(({ name, description }) => `  ${name.padEnd(8)}  ${description}\n`).join('')}
Each has strict TypeScript, a test without a broker and one on Kafka, a Dockerfile, and npm run dev. What is not named is asked
on a terminal; elsewhere, and with --yes, it is the default. The same as npm create millrace@latest.

Examples:
  millrace init my-app
  millrace init my-app --template service --install
  millrace init . --yes
  npm create millrace@latest my-app -- --template avro
`

interface InitOptions {
  readonly template?: TemplateName
  readonly name?: string
  readonly yes?: boolean
  readonly install?: boolean
  readonly force?: boolean
  readonly millrace?: string
}

export function initCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('init')
    .description('make a new project from a template')
    .argument('[directory]', 'where it goes: new, or empty')
    .addOption(
      new Option('--template <name>', 'what it begins with (default: minimal)').choices(
        TEMPLATES.map(({ name }) => name),
      ),
    )
    .option('--name <name>', 'of its package (default: the name of the directory)')
    .option('--yes', 'ask nothing')
    .option('--install', 'install its dependencies')
    .option('--no-install', 'leave that for later')
    .option('--force', 'write into a directory that holds files, and replace those of the same names')
    .option(
      '--millrace <version>',
      'how it depends on this package: a range of versions, or the path of a tarball (default: this version)',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string | undefined, options: InitOptions) => {
      onEnd(await exitCodeAfter('info', () => init(directory, options)))
    })
}

async function init(given: string | undefined, options: InitOptions): Promise<void> {
  const { force = false, millrace = `^${packageVersion()}` } = options
  // What can be found wrong before anything is asked is.
  if (options.name !== undefined) checkName(options.name)
  if (given !== undefined) await checkTarget(resolve(given), { force })
  const { directory, template, name, install } = await answers(given, options)
  await checkTarget(directory, { force })
  await writeProject(directory, await projectFiles({ template, name, millrace: dependencyOn(millrace) }))
  const manager = packageManager(process.env)
  const place = relative(process.cwd(), directory)
  await print(`${name} is made in ${place === '' ? 'this directory' : place} (${template})\n`)
  if (install) await installDependencies(manager, directory)
  await print(nextSteps({ place, manager, installed: install }))
}

interface Answers {
  readonly directory: string
  readonly template: TemplateName
  readonly name: string
  readonly install: boolean
}

async function answers(given: string | undefined, options: InitOptions): Promise<Answers> {
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  if (options.yes || !isTerminal) return byDefault(given, options)
  using questions = new Questions({ input: process.stdin, output: process.stdout })
  const asked =
    given ?? (await questions.text('Directory', { byDefault: 'my-app', problem: () => undefined }))
  const directory = resolve(asked)
  await checkTarget(directory, { force: options.force ?? false })
  const name =
    options.name ??
    (await questions.text('Name of the package', { byDefault: nameFor(directory), problem: nameProblem }))
  const template = options.template ?? (await questions.choice('Template', [...TEMPLATES]))
  const install = options.install ?? (await questions.yes('Install its dependencies now?'))
  return { directory, template: template as TemplateName, name, install }
}

function byDefault(given: string | undefined, { template, name, install }: InitOptions): Answers {
  if (given === undefined) {
    throw new UsageError('DIRECTORY_MISSING', 'name the directory of the new project: millrace init my-app')
  }
  const directory = resolve(given)
  return {
    directory,
    template: template ?? 'minimal',
    name: name ?? nameFor(directory),
    install: install ?? false,
  }
}

/** What npm takes for the name of a package. */
const NAME = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/
const NAME_LENGTH_MAX = 214

function nameProblem(name: string): string | undefined {
  if (NAME.test(name) && name.length <= NAME_LENGTH_MAX) return undefined
  return 'A name has small letters, digits, "-", "." and "_", and may have a scope before it: @shop/orders.'
}

function checkName(name: string): void {
  const problem = nameProblem(name)
  if (problem !== undefined) throw new UsageError('INVALID_NAME', `--name ${name}: ${problem}`)
}

/** The directory's, as near as npm allows. */
function nameFor(directory: string): string {
  const near = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9-._~]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, NAME_LENGTH_MAX)
  return near === '' ? 'my-app' : near
}

/** A path is meant from here, and stands in another directory. */
function dependencyOn(given: string): string {
  const path = given.replace(/^file:/, '')
  return path !== given || given.endsWith('.tgz') ? `file:${resolve(path)}` : given
}

function nextSteps({
  place,
  manager,
  installed,
}: {
  readonly place: string
  readonly manager: string
  readonly installed: boolean
}): string {
  const steps = [
    ...(place === '' ? [] : [`cd ${place}`]),
    ...(installed ? [] : [`${manager} install`]),
    `${manager} test`,
    `${manager} run dev`,
  ]
  return `\nNext:\n${steps.map(step => `  ${step}\n`).join('')}`
}
