import { describe, expect, it } from 'vitest'
import { utf8 } from '../../lib/common/bytes.ts'
import { decodeInput, encodeInput, type AsyncInput } from '../../lib/dsl/calls/input-format.ts'

const KEY = utf8('key')
const VALUE = utf8('value')
const PLAIN: AsyncInput = {
  key: KEY,
  value: VALUE,
  ordinal: 0,
  context: { topic: 'in', partition: 3, offset: 12, timestamp: 99, headers: [], source: undefined },
}

function withContext(context: Partial<AsyncInput['context']>, rest: Partial<AsyncInput> = {}): AsyncInput {
  return { ...PLAIN, ...rest, context: { ...PLAIN.context, ...context } }
}

describe('the format of an input that waits', () => {
  it.each<readonly [string, AsyncInput]>([
    ['a record', PLAIN],
    ['no key and no value', { ...PLAIN, key: null, value: null }],
    ['empty key and value', { ...PLAIN, key: utf8(''), value: utf8('') }],
    [
      'the largest numbers',
      withContext(
        { offset: 2 ** 53 - 1, timestamp: 2 ** 53 - 1, partition: 2 ** 31 - 1 },
        { ordinal: 2 ** 32 - 1 },
      ),
    ],
    ['no place, as in a punctuator', withContext({ topic: undefined, partition: -1, offset: -1 })],
    ['an empty topic name', withContext({ topic: '' })],
    [
      'headers, some empty, some null',
      withContext({
        headers: [
          { key: 'a', value: utf8('1') },
          { key: '', value: utf8('') },
          { key: 'a', value: null },
        ],
      }),
    ],
    ['the source as it came', withContext({ source: { key: KEY, value: VALUE } })],
    ['another source', withContext({ source: { key: utf8('other'), value: null } })],
    [
      'a source without a key, and so the input',
      withContext({ source: { key: null, value: utf8('x') } }, { key: null }),
    ],
  ])('keeps %s', (_, input) => {
    expect(plain(decodeInput(encodeInput(input)))).toEqual(plain(input))
  })

  it('writes the source once where the operator gets what stands in the topic', () => {
    const source = { key: utf8('key'), value: utf8('value') }
    expect(encodeInput(withContext({ source })).length).toBe(encodeInput(PLAIN).length)
  })

  it('refuses what is cut short or of another version', () => {
    const bytes = encodeInput(PLAIN)
    expect(() => decodeInput(bytes.subarray(0, bytes.length - 1))).toThrow('cut short')
    const other = Uint8Array.from(bytes)
    other[0] = 9
    expect(() => decodeInput(other)).toThrow('format 9')
  })
})

/** Buffers and byte arrays compare unequal. */
function plain(input: AsyncInput): unknown {
  return JSON.parse(
    JSON.stringify(input, (_, value: unknown) =>
      value instanceof Uint8Array || isBufferJson(value) ? Array.from(bytesOf(value)) : value,
    ),
  )
}

function isBufferJson(value: unknown): value is { type: 'Buffer'; data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer'
}

function bytesOf(value: Uint8Array | { data: number[] }): Iterable<number> {
  return value instanceof Uint8Array ? value : value.data
}
