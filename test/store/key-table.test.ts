import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KeyInBuffer } from '../../lib/common/record-context.ts'
import { KeyTable } from '../../lib/store/memory/key-table.ts'
import { PREFETCH_GROUP, type KeyTexts } from '../../lib/store/contract/prefetching-store.ts'

class Item {
  readonly alias: unknown
  prefetched = 0

  constructor(alias: unknown) {
    this.alias = alias
  }

  prefetch(): number {
    return (this.prefetched += 1)
  }
}

/** Few enough to meet again; long ones differ in the middle only, where they are not hashed. */
const keys = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map(number => `key-${number}`),
  fc.integer({ min: 0, max: 20 }).map(number => `${'a'.repeat(40)}${number}${'b'.repeat(40)}`),
  fc.constantFrom('', 'é', '日本', 7, 7n, true, Number.NaN),
)

test('key table: finds what a Map finds, whatever was added and deleted', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), keys), { maxLength: 600 }), steps => {
      const table = new KeyTable<Item>()
      const model = new Map<unknown, Item>()
      for (const [isThere, alias] of steps) {
        const item = model.get(alias)
        if (isThere && !item) {
          const added = new Item(alias)
          model.set(alias, added)
          table.add(added)
        } else if (!isThere && item) {
          model.delete(alias)
          table.delete(item)
        }
        expect(table.get(alias)).toBe(model.get(alias))
      }
      for (const [alias, item] of model) expect(table.get(alias)).toBe(item)
      table.clear()
      for (const alias of model.keys()) expect(table.get(alias)).toBeUndefined()
    }),
  )
})

test('key table: keeps apart a great many, also while they go', () => {
  const table = new KeyTable<Item>()
  const items = Array.from({ length: 20_000 }, (_, number) => new Item(`key-${number}`))
  for (const item of items) table.add(item)
  for (const [number, item] of items.entries()) if (number % 3 !== 0) table.delete(item)
  for (const [number, item] of items.entries()) {
    expect(table.get(item.alias)).toBe(number % 3 === 0 ? item : undefined)
  }
})

/** Of those that are hashed alike only the first is found by its bytes. */
const distinctKeys = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map(number => `key-${number}`),
  fc.integer({ min: 0, max: 20 }).map(number => `${number}-${'a'.repeat(80)}-${number}`),
  fc.constantFrom('', 'é', '日本', 7, true),
)

test('key table: prefetches of a group what a look-up of each key finds, and of nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(distinctKeys, { maxLength: 60 }),
      fc.nat(),
      fc.nat({ max: 80 }),
      (aliases, seed, start) => {
        const table = new KeyTable<Item>()
        const items = [...new Set(aliases)].map(alias => new Item(alias))
        const present = items.filter((_, number) => (seed >> (number % 31)) % 2 === 0)
        for (const item of present) table.add(item)
        const texts = items.map(({ alias }) => String(alias))
        const places = placesOf(texts)
        const known = noTexts()
        const found = table.prefetch(places, Math.min(start, places.length), known)
        const group = items.slice(start, start + PREFETCH_GROUP)
        const expected = group.filter(item => present.includes(item) && isPlain(item.alias))
        expect(found).toBe(expected.length)
        expect(items.filter(({ prefetched }) => prefetched > 0)).toEqual(expected)
        const isKnown = (item: Item) => expected.includes(item) && String(item.alias).length <= 48
        expect(known.slice(0, group.length)).toEqual(
          group.map(item => (isKnown(item) ? item.alias : undefined)),
        )
      },
    ),
  )
})

test('key table: a byte that is no ASCII is no text that is known', () => {
  const table = new KeyTable<Item>()
  for (const alias of ['é', 'e']) table.add(new Item(alias))
  const buffer = Buffer.from('ée', 'latin1')
  const known = noTexts()
  table.prefetch(
    [0, 1].map(at => ({ buffer, keyStart: at, keyEnd: at + 1 })),
    0,
    known,
  )
  expect(known.slice(0, 2)).toEqual([undefined, 'e'])
})

function noTexts(): KeyTexts {
  return new Array<undefined>(PREFETCH_GROUP).fill(undefined)
}

/** Each with something in front, as in a fetch buffer. */
function placesOf(texts: readonly string[]): KeyInBuffer[] {
  const buffer = Buffer.from(texts.map(text => `-${text}`).join(''), 'utf8')
  let at = 0
  return texts.map(text => {
    const keyStart = at + 1
    at = keyStart + Buffer.byteLength(text)
    return { buffer, keyStart, keyEnd: at }
  })
}

function isPlain(alias: unknown): boolean {
  return typeof alias === 'string' && Buffer.byteLength(alias) === alias.length
}
