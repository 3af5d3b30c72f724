import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyTable } from '../../lib/store/layer/key-table.ts'

interface Item {
  readonly alias: unknown
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
          const added = { alias }
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
  const items = Array.from({ length: 20_000 }, (_, number) => ({ alias: `key-${number}` }))
  for (const item of items) table.add(item)
  for (const [number, item] of items.entries()) if (number % 3 !== 0) table.delete(item)
  for (const [number, item] of items.entries()) {
    expect(table.get(item.alias)).toBe(number % 3 === 0 ? item : undefined)
  }
})
