import type { Purchase, StockChange } from '../../../topologies/checkout/records.ts'
import type { Pair } from '../../support/topics.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const SKUS = 50
const ITEMS_MAX = 3
/** Share of purchases that the payments tell a second time, with a later offset. */
const TOLD_AGAIN = 0.05
/** Behind how many others a purchase is told again, at most. */
const AGAIN_MAX = 200
const RESTOCK_PIECES = 1_000_000

export interface PurchasesInput {
  readonly pairs: readonly Pair[]
  readonly restocks: readonly Pair[]
  /** Pieces sold, by article. */
  readonly sold: ReadonlyMap<string, number>
  readonly toldAgain: number
}

/**
 * Purchases in the order in which they are told, some of them twice. `nowMs`: their timestamp. An old one
 * would let the brokers delete them, and the ids that were seen, by their retention.
 */
export function purchasesInput(count: number, seed: number, nowMs: number): PurchasesInput {
  const random = new SeededRandom(seed)
  const sold = new Map<string, number>()
  const again: (Pair | undefined)[] = []
  const pairs: Pair[] = []
  let toldAgain = 0
  for (let at = 0; at < count; at += 1) {
    const pair = [orderOf(at), JSON.stringify(purchaseOf(at, random, sold)), nowMs] as const
    pairs.push(pair)
    if (random.chance(TOLD_AGAIN)) again[at + 1 + random.below(AGAIN_MAX)] = pair
    const late = again[at]
    if (late) {
      pairs.push(late)
      toldAgain += 1
    }
  }
  const restocks = Array.from({ length: SKUS }, (_, at) => {
    const change: StockChange = { pieces: RESTOCK_PIECES }
    return [skuOf(at), JSON.stringify(change), nowMs] as const
  })
  return { pairs, restocks, sold, toldAgain }
}

/** Pieces of an article that are left when `sold` of them are gone. */
export function piecesLeft(sold: number): number {
  return RESTOCK_PIECES - sold
}

export function orderOf(at: number): string {
  return `order-${at}`
}

function skuOf(at: number): string {
  return `sku-${at}`
}

function purchaseOf(at: number, random: SeededRandom, sold: Map<string, number>): Purchase {
  const items = Array.from({ length: 1 + random.below(ITEMS_MAX) }, () => {
    const sku = skuOf(random.below(SKUS))
    const quantity = 1 + random.below(4)
    sold.set(sku, (sold.get(sku) ?? 0) + quantity)
    return { sku, quantity, cents: 100 + random.below(9_900) }
  })
  return { purchaseId: `payment-${at}`, customer: `customer-${random.below(1_000)}`, items }
}
