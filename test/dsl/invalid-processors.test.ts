import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { KStream } from '../../lib/dsl/api/kstream.ts'
import { serdes } from '../../lib/serde/serdes.ts'

type Text = KStream<string, string>

const stream = (): Text =>
  new StreamsBuilder().stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() })
const factories: readonly (readonly [what: string, factory: unknown, code: string, says: RegExp])[] = [
  [
    'a factory that forgets its return',
    () => undefined,
    'INVALID_PROCESSOR',
    /returned undefined.*"return" missing/,
  ],
  ['a supplier of nothing', { get: () => null }, 'INVALID_PROCESSOR', /returned null/],
  ['an object without process()', () => ({}), 'INVALID_PROCESSOR', /an object without process\(\)/],
  ['no supplier', {}, 'INVALID_SUPPLIER', /must be an object with get\(\)/],
  [
    'a supplier of one processor',
    { get: () => shared },
    'SUPPLIER_REUSES_PROCESSOR',
    /the same processor twice/,
  ],
]
const shared = { process: () => undefined }

const operators: { readonly [name: string]: (from: Text, factory: unknown) => unknown } = {
  process: (from, factory) => from.process(factory as never, { name: 'mine' }),
  processValues: (from, factory) => from.processValues(factory as never, { name: 'mine' }),
}

describe.each(Object.entries(operators))('%s refuses, with the name of the node', (_, operator) => {
  it.each(factories)('%s', (_what, factory, code, says) => {
    const call = () => operator(stream(), factory)
    expect(call).toThrow(expect.objectContaining({ code }))
    expect(call).toThrow(says)
    expect(call).toThrow(/"mine"/)
  })
})
