import { Buffer } from 'node:buffer'
import { Option } from 'commander'
import { present } from '../../common/assert.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'

/** A serde with its values as text: typed in, and printed. */
export interface TextSerde {
  readonly serde: Serde<unknown>
  /** Throws a `RangeError` that says what the text should be. null is a tombstone, or no key. */
  parse(text: string): unknown
  /**
   * As JSON can hold it without loss: numbers beyond ±(2^53 - 1), NaN and the infinities as text, bytes as
   * base64.
   */
  plain(value: unknown): unknown
}

export const SERDE_HELP = `Serdes: string, json (null: a tombstone, or no key), int32, int64, double (float64 in programs), bytes (base64).`

const WHOLE = /^[+-]?\d+$/
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const TEXT_SERDES = new Map<string, TextSerde>([
  ['string', { serde: serdes.string(), parse: text => text, plain: same }],
  ['json', { serde: serdes.json<unknown>(), parse: parseJson, plain: same }],
  ['int32', { serde: serdes.int32(), parse: text => Number(whole(text)), plain: same }],
  // The whole range of 64 bits.
  ['int64', { serde: serdes.bigint64(), parse: whole, plain: value => plainWhole(value as bigint) }],
  ['double', { serde: serdes.float64(), parse: decimal, plain: value => plainDecimal(value as number) }],
  ['bytes', { serde: serdes.bytes(), parse: fromBase64, plain: value => toBase64(value as Uint8Array) }],
] as [string, TextSerde][])

export function textSerde(name: string): TextSerde {
  return present(TEXT_SERDES.get(name), `the serde ${name}`)
}

/** `--key-serde` or `--value-serde`. */
export function serdeOption(of: 'key' | 'value'): Option {
  return new Option(`--${of}-serde <name>`, `format of the ${of}s`)
    .choices([...TEXT_SERDES.keys()])
    .default('string')
}

function same(value: unknown): unknown {
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new RangeError(`not JSON: ${(error as Error).message}`, { cause: error })
  }
}

function whole(text: string): bigint {
  const trimmed = text.trim()
  if (WHOLE.test(trimmed)) return BigInt(trimmed.replace('+', ''))
  throw new RangeError(`"${text}" is not a whole number`)
}

function decimal(text: string): number {
  const trimmed = text.trim()
  const value = Number(trimmed)
  if (DECIMAL.test(trimmed) && Number.isFinite(value)) return value
  if (/^(NaN|[+-]?Infinity)$/.test(trimmed)) return value
  throw new RangeError(`"${text}" is not a number`)
}

function plainWhole(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

function plainDecimal(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** Node's decoder skips what is no base64. */
function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw new RangeError(`"${text}" is not base64`)
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
