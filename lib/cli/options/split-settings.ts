import { nearest } from '../../common/nearest-name.ts'
import { resolveConfig, type StreamsConfig } from '../../streams/config.ts'
import type { TopologySettings } from '../../streams/topology-file.ts'
import { UsageError } from '../output/exit-code.ts'
import type { Pair } from './option-values.ts'

export interface SplitSettings {
  /** For the application, with numbers and booleans as such; not yet checked. */
  readonly config: Partial<StreamsConfig>
  readonly forTopology: TopologySettings
}

/** Each has an option of its own, and two ways to say one thing would have to be ranked. */
const OPTION_OF: { readonly [setting: string]: string } = {
  applicationId: '--application-id',
  stateDir: '--state-dir',
}

/**
 * Answers that a handler may always give, by the setting it is; whatever asks the record takes a function, in
 * the file.
 */
const ANSWERS_OF: { readonly [setting: string]: readonly string[] } = {
  deserializationErrorHandler: ['continue', 'fail'],
  processingErrorHandler: ['continue', 'fail', 'rollback'],
  productionErrorHandler: ['continue', 'fail'],
}

/** No text by default, but text where it is set. */
const TEXTS: ReadonlySet<string> = new Set(['deadLetterQueueTopic'])

/** The settings as they are by default: their names, and the kinds of their values. */
const DEFAULTS = new Map<string, unknown>(Object.entries(resolveConfig({ applicationId: 'any' })))

/**
 * Divides the `--set` pairs between the application and the topology. Throws a `UsageError`:
 * `UNKNOWN_SETTING` where a name is no setting and the topology is no function that could take it,
 * `INVALID_SETTING` for what cannot be set by text.
 */
export function splitSettings(
  pairs: readonly Pair[],
  { takesSettings }: { readonly takesSettings: boolean },
): SplitSettings {
  const config: { [name: string]: unknown } = {}
  const forTopology: { [name: string]: string } = {}
  for (const { name, value } of pairs) {
    if (DEFAULTS.has(name)) config[name] = parse(name, value)
    else if (takesSettings) forTopology[name] = value
    else throw unknown(name)
  }
  return { config: config as Partial<StreamsConfig>, forTopology }
}

function parse(name: string, text: string): string | number | boolean | (() => string) {
  const option = OPTION_OF[name]
  if (option) throw new UsageError('INVALID_SETTING', `--set ${name}: use ${option} for it`)
  if (TEXTS.has(name)) return text
  if (ANSWERS_OF[name]) return always(name, text)
  switch (typeof DEFAULTS.get(name)) {
    case 'string':
      return text
    case 'number':
      // What is no number is left to the application's own check, whose message shows it.
      return (/^-?\d+$/.test(text) ? Number(text) : text) as number
    case 'boolean':
      return (text === 'true' || text === 'false' ? text === 'true' : text) as boolean
    default:
      throw new UsageError(
        'INVALID_SETTING',
        `--set ${name}: it is no text but an object of the program; set it in the file's exported config`,
      )
  }
}

/** A handler that gives this answer to every error. */
function always(name: string, answer: string): () => string {
  const answers = ANSWERS_OF[name]!
  if (answers.includes(answer)) return () => answer
  throw new UsageError(
    'INVALID_SETTING',
    `--set ${name}=${answer}: the answer to every error must be ${answers.join(' or ')}; ` +
      "for one that depends on the error, set a function in the file's exported config",
  )
}

function unknown(name: string): UsageError {
  const camelCase = name.replace(/[._-](\w)/g, (_, letter: string) => letter.toUpperCase())
  const guess = nearest(camelCase, [...DEFAULTS.keys()])
  return new UsageError(
    'UNKNOWN_SETTING',
    `--set ${name}: no such setting${guess ? `; did you mean ${guess}?` : ''} ` +
      '(the file does not export a function, which could take settings of its own)',
  )
}
