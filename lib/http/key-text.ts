import { Buffer } from 'node:buffer'
import { errorFrom } from '../common/errors/errors.ts'
import type { Serde } from '../serde/serde.ts'
import { serdes } from '../serde/serdes.ts'
import { badParameter, HttpError } from './http-error.ts'

export type ParseKey = (text: string) => unknown

/** How keys of a store are read from text. */
export interface KeyText {
  readonly parse: ParseKey
  /** Whether the text's beginning is that of the key's bytes too, so that a prefix makes sense. */
  readonly hasPrefixes: boolean
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i
const INTEGER = /^-?(0|[1-9]\d*)$/
const BASE64URL = /^[A-Za-z0-9_-]*$/

/** The texts of the standard serdes' keys; none for others, whose text only their owner knows. */
export function keyTextOf(serde: Serde<unknown> | undefined): KeyText | undefined {
  switch (serde) {
    case serdes.string():
      return { parse: text => text, hasPrefixes: true }
    case serdes.bytes():
      return { parse: matching(BASE64URL, 'base64url', bytesOf), hasPrefixes: true }
    case serdes.int32():
    case serdes.int64():
      return { parse: matching(INTEGER, 'a whole number', Number), hasPrefixes: false }
    case serdes.bigint64():
      return { parse: matching(INTEGER, 'a whole number', BigInt), hasPrefixes: false }
    case serdes.float64():
      return { parse: matching(NUMBER, 'a number', Number), hasPrefixes: false }
  }
  // Each has a validator of its own, so there is no one serde to compare with.
  return serde?.name === 'json' ? { parse: jsonOf, hasPrefixes: false } : undefined
}

/** Reads a key of the request: from `parameter`, which is named where that fails. Throws `BAD_PARAMETER`. */
export function parseKey(keyText: KeyText, text: string, parameter: string): unknown {
  try {
    return keyText.parse(text)
  } catch (error) {
    throw badParameter(parameter, errorFrom(error).message)
  }
}

export function keyNotParseable(name: string, serde: Serde<unknown> | undefined): HttpError {
  const keys = serde ? `keys of the serde "${serde.name}"` : 'keys without a serde'
  return new HttpError(
    501,
    'KEY_NOT_PARSEABLE',
    `store "${name}" has ${keys}, which no text stands for: give httpApp or serveHttp the option ` +
      `stores: { ${JSON.stringify(name)}: { parseKey: text => … } }`,
  )
}

function matching(pattern: RegExp, what: string, convert: ParseKey): ParseKey {
  return text => {
    if (pattern.test(text)) return convert(text)
    throw new Error(`${JSON.stringify(text)} is not ${what}, as the keys of this store are`)
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'base64url')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(
      `${JSON.stringify(text)} is not JSON, as the keys of this store are (a text stands in quotes)`,
    )
  }
}
