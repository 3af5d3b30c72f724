import { ConfigError, errorFrom } from '../common/errors/errors.ts'
import type { StalenessMonitor } from '../projection/staleness-monitor.ts'
import type { StoreKind } from '../store/contract/state-store.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { nearest } from '../common/nearest-name.ts'
import type { StoreDescription } from '../streams/store-description.ts'
import { HttpError } from './http-error.ts'
import type { HttpStoreOptions } from './http-options.ts'
import { keyNotParseable, keyTextOf, parseKey, type KeyText } from './key-text.ts'

/** How a kind of store is read; kinds that operators keep for themselves are not here. */
export type Reading = 'key-value' | 'versioned' | 'windows' | 'sessions'

const READINGS: { readonly [kind in StoreKind]?: Reading } = {
  'key-value store': 'key-value',
  'timestamped key-value store': 'key-value',
  'versioned key-value store': 'versioned',
  'window store': 'windows',
  'timestamped window store': 'windows',
  'window store with duplicates': 'windows',
  'timestamped window store with duplicates': 'windows',
  'session store': 'sessions',
}

/** A store as it is at a request. */
export interface ServedStore extends StoreDescription {
  readonly reading: Reading
  readonly staleness: StalenessMonitor | undefined
  /** Throws `BAD_PARAMETER`, or `KEY_NOT_PARSEABLE` where no text stands for a key of the store. */
  parseKey(text: string, parameter: string): unknown
  /** As `parseKey`; throws `BAD_PARAMETER` where a beginning of such a text is not one of the key's bytes. */
  parsePrefix(text: string): unknown
}

/** The stores of an application that are shown. */
export class ServedStores {
  readonly #streams: KafkaStreams
  readonly #names: readonly string[]
  readonly #texts = new Map<string, KeyText | undefined>()
  readonly #options: { readonly [name: string]: HttpStoreOptions }

  /**
   * Throws `UNKNOWN_STORE`, `STORE_NOT_READABLE` or `KEY_NOT_PARSEABLE` for options that name what cannot be
   * served.
   */
  constructor(streams: KafkaStreams, options: { readonly [name: string]: HttpStoreOptions } | undefined) {
    this.#streams = streams
    this.#options = options ?? {}
    const names =
      options === undefined ? streams.describeStores().map(({ name }) => name) : Object.keys(options)
    const described = names.map(name => streams.describeStore(name))
    for (const { name, kind, keySerde } of described) {
      if (options && READINGS[kind] === undefined) throw notReadable(name, kind)
      this.#texts.set(name, keyTextWith(name, options?.[name]) ?? keyTextOf(keySerde))
    }
    this.#names = described.filter(({ kind }) => READINGS[kind] !== undefined).map(({ name }) => name)
  }

  all(): readonly ServedStore[] {
    return this.#names.map(name => this.#served(name))
  }

  /** Throws 404 with the names that there are. */
  get(name: string): ServedStore {
    if (this.#names.includes(name)) return this.#served(name)
    const close = nearest(name, this.#names)
    const hint = close === undefined ? '.' : `; did you mean "${close}"?`
    throw new HttpError(
      404,
      'UNKNOWN_STORE',
      `there is no store ${JSON.stringify(name)} here${hint} There are: ${this.#names.join(', ') || 'none'}`,
    )
  }

  #served(name: string): ServedStore {
    const described = this.#streams.describeStore(name)
    const text = this.#texts.get(name)
    const textOrThrow = (): KeyText => {
      if (text) return text
      throw keyNotParseable(name, described.keySerde)
    }
    return {
      ...described,
      reading: READINGS[described.kind]!,
      staleness: this.#options[name]?.staleness,
      parseKey: (key, parameter) =>
        this.#checked(described, parseKey(textOrThrow(), key, parameter), parameter),
      parsePrefix(prefix) {
        if (textOrThrow().hasPrefixes) return parseKey(textOrThrow(), prefix, 'prefix')
        throw new HttpError(
          400,
          'BAD_PARAMETER',
          `prefix: the bytes of keys of store "${name}" do not begin as their texts do; use from and to`,
        )
      },
    }
  }

  /** A number that the serde does not take, say, is a fault of the request. */
  #checked({ name, keySerde }: StoreDescription, key: unknown, parameter: string): unknown {
    try {
      keySerde?.serialize(key, { topic: name })
      return key
    } catch (error) {
      throw new HttpError(400, 'BAD_PARAMETER', `${parameter}: ${errorFrom(error).message}`)
    }
  }
}

function keyTextWith(name: string, options: HttpStoreOptions | undefined): KeyText | undefined {
  if (options?.parseKey) return { parse: options.parseKey, hasPrefixes: true }
  if (!options?.keySerde) return undefined
  const text = keyTextOf(options.keySerde)
  if (text) return text
  throw new ConfigError(
    'KEY_NOT_PARSEABLE',
    `stores.${name}.keySerde is "${options.keySerde.name}", which no text stands for: give stores.${name}.parseKey, a function from text to a key`,
  )
}

function notReadable(name: string, kind: StoreKind): ConfigError {
  return new ConfigError(
    'STORE_NOT_READABLE',
    `stores.${name}: it is a ${kind}, which cannot be read from outside: leave it out`,
  )
}
