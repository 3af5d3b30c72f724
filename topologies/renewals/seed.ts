import type { KeyValueTable } from '../web/key-value-table.ts'
import type { Subscription } from './records.ts'

const NAMES = 'Ada Bea Cem Dov Eve Fay Gus Hal Ida Jan Kim Lou'.split(' ')
const PLANS = [
  { plan: 'yoga, monthly', cents: 4_500 },
  { plan: 'site, basic', cents: 1_700 },
  { plan: 'shop, yearly', cents: 32_400 },
]

/** Twelve customers, where there are none. */
export async function seedSubscriptions(subscriptions: KeyValueTable<Subscription>): Promise<void> {
  for await (const _ of subscriptions.all()) return
  const rows = NAMES.map((name, at) =>
    subscriptions.put(`u${String(at + 1).padStart(2, '0')}`, { name, ...planOf(at) }),
  )
  await Promise.all(rows)
}

function planOf(at: number): Omit<Subscription, 'name'> {
  return PLANS[at % PLANS.length] ?? { plan: 'site, basic', cents: 1_700 }
}
