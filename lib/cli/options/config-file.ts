import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import type { Command } from 'commander'
import { ConfigError, errorFrom } from '../../common/errors/errors.ts'
import { resolveConfig } from '../../streams/config.ts'
import type { MillraceConfig } from '../../streams/millrace-config.ts'
import { nearest } from '../../common/nearest-name.ts'
import { UsageError } from '../output/exit-code.ts'
import { importModule } from '../load/load-topology-file.ts'

export interface ConfigFile extends MillraceConfig {
  /** Without its folder, for messages. */
  readonly name: string
}

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map(extension => `millrace.config.${extension}`)

/** Each of them is an option of some commands, too. */
const TEXTS = ['brokers', 'clientConfig', 'applicationId', 'stateDir'] as const
const PATHS: ReadonlySet<string> = new Set(['clientConfig', 'stateDir'])
const KEYS = [...TEXTS, 'settings', 'topics']

/**
 * Gives a command what neither its command line nor the environment says, out of `--config FILE` or the file
 * in the working directory. Throws a `UsageError`: `CONFIG_FILE_MISSING`, `CONFIG_FILE_TWICE`,
 * `CONFIG_FILE_BROKEN`, `CONFIG_FILE_INVALID`.
 */
export async function applyConfigFile(command: Command): Promise<void> {
  const takes = (name: string) => command.options.some(option => option.attributeName() === name)
  if (!takes('config')) return
  const file = await loadConfigFile(command.getOptionValue('config') as string | undefined)
  if (!file) return
  for (const name of TEXTS) {
    const source = command.getOptionValueSource(name)
    const isOpen = source === undefined || source === 'default'
    // Not an option's own variable: the topology's file comes after it.
    const isOutside = name === 'stateDir' && process.env['MILLRACE_STATE_DIR'] !== undefined
    if (takes(name) && isOpen && !isOutside && file[name] !== undefined) {
      command.setOptionValueWithSource(name, file[name], 'config')
    }
  }
  command.setOptionValueWithSource('configFile', file, 'config')
}

/** Undefined where none is named and none is there. */
async function loadConfigFile(given: string | undefined): Promise<ConfigFile | undefined> {
  const path = given === undefined ? await findConfigFile() : resolve(given)
  if (path === undefined) return undefined
  if (!(await isFile(path))) {
    throw new UsageError('CONFIG_FILE_MISSING', `--config ${given}: there is no file ${path}`)
  }
  return checked(await read(path), path)
}

async function findConfigFile(): Promise<string | undefined> {
  const there = await Promise.all(NAMES.map(name => isFile(resolve(name))))
  const [first, second] = NAMES.filter((_, at) => there[at])
  if (first !== undefined && second !== undefined) {
    throw new UsageError(
      'CONFIG_FILE_TWICE',
      `there are ${first} and ${second}: remove one, or name one (--config)`,
    )
  }
  return first === undefined ? undefined : resolve(first)
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

async function read(path: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(await readFile(path, 'utf8')) as unknown
    return ((await importModule(path)) as { readonly default?: unknown }).default
  } catch (reason) {
    const cause = errorFrom(reason)
    throw new UsageError('CONFIG_FILE_BROKEN', `${path} does not load: ${cause.message}`, { cause })
  }
}

function checked(value: unknown, path: string): ConfigFile {
  const name = basename(path)
  const refuse = (what: string): never => {
    throw new UsageError('CONFIG_FILE_INVALID', `${name}: ${what}`)
  }
  if (typeof value !== 'object' || value === null) {
    const where = name.endsWith('.json') ? 'it' : 'its default export'
    return refuse(`${where} must be an object, such as { brokers: 'host:9092' }`)
  }
  const given = value as { readonly [key: string]: unknown }
  for (const key of Object.keys(given)) if (!KEYS.includes(key)) refuse(unknownKey(key))
  for (const key of TEXTS) {
    if (given[key] !== undefined && (typeof given[key] !== 'string' || given[key] === ''))
      refuse(`${key} must be a text that is not empty`)
  }
  try {
    checkSettings(given)
  } catch (error) {
    if (error instanceof ConfigError) refuse(error.message)
    throw error
  }
  const inPlace = ([key, text]: [string, unknown]) => [
    key,
    PATHS.has(key) && typeof text === 'string' ? resolve(dirname(path), text) : text,
  ]
  return { ...(Object.fromEntries(Object.entries(given).map(inPlace)) as MillraceConfig), name }
}

function unknownKey(key: string): string {
  const isSetting = key in resolveConfig({ applicationId: 'any' })
  const guess = nearest(key, KEYS)
  const mend = isSetting ? `; settings go into settings: { ${key} }` : guess ? `; did you mean ${guess}?` : ''
  return `there is no ${key}${mend}`
}

/** Throws a `ConfigError`. */
function checkSettings({ settings = {}, topics = [] }: { readonly [key: string]: unknown }): void {
  if (typeof settings !== 'object' || settings === null) {
    throw new ConfigError('INVALID_SETTING', 'settings must be an object, such as { commitIntervalMs: 200 }')
  }
  for (const name of ['applicationId', 'stateDir']) {
    if (name in settings)
      throw new ConfigError('INVALID_SETTING', `${name} stands beside settings, not in it`)
  }
  resolveConfig({ ...settings, applicationId: 'any' })
  resolveConfig({ applicationId: 'any', topics: topics as [] })
}
