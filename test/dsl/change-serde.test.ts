import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex } from '../../lib/common/bytes.ts'
import { changeSerde } from '../../lib/dsl/kit/change-serde.ts'
import { Change } from '../../lib/dsl/kit/change.ts'
import { resolveSerde } from '../../lib/serde/open-serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'

const context = { topic: 'app-group-repartition' }
const serde = changeSerde(serdes.string())
const bytes = (change: Change<string>) => hex(serde.serialize(change, context))

describe('change serde', () => {
  it('writes the layouts of KIP-904', () => {
    expect(bytes(new Change('ab', null))).toBe('616201')
    expect(bytes(new Change<string>(null, 'ab'))).toBe('616200')
    // 2 as a zigzag varint is 4.
    expect(bytes(new Change('ab', 'c'))).toBe('0461626302')
    expect(bytes(new Change('', ''))).toBe('0002')
  })

  it('writes the length of long values in several bytes', () => {
    expect(bytes(new Change('x'.repeat(64), 'y')).slice(0, 6)).toBe('800178')
  })

  it('reads the layouts of versioned tables, without their flag', () => {
    const read = (text: string) => serde.deserialize(new Uint8Array(Buffer.from(text, 'hex')), context)
    expect(read('61620104')).toEqual(new Change('ab', null))
    expect(read('61620103')).toEqual(new Change(null, 'ab'))
    expect(read('046162630105')).toEqual(new Change('ab', 'c'))
  })

  it.each(['', '6106', '7f6102', 'ffffffffff02', '03ab02'])('refuses %s', text => {
    expect(() => serde.deserialize(new Uint8Array(Buffer.from(text, 'hex')), context)).toThrow(
      /other|this application/,
    )
  })

  it('refuses a change without values', () => {
    expect(() => serde.serialize(new Change<string>(null, null), context)).toThrow('without values')
  })

  it('reads what it wrote', () => {
    const value = fc.option(fc.string({ maxLength: 300 }))
    fc.assert(
      fc.property(value, value, (newValue, oldValue) => {
        fc.pre(newValue !== null || oldValue !== null)
        const change = new Change(newValue, oldValue)
        expect(serde.deserialize(serde.serialize(change, context), context)).toEqual(change)
      }),
    )
  })

  it('takes the default serde where none was given, and its own where one was', () => {
    const resolved = resolveSerde(changeSerde(undefined), serdes.string())
    expect(resolved?.name).toBe('change(string)')
    expect(resolveSerde(serde, serdes.int64())).toBe(serde)
    expect(() => changeSerde(undefined).serialize(new Change('a', null), context)).toThrow('valueSerde')
  })
})
