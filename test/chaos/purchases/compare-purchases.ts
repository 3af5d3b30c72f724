import type { Broker } from '../../../lib/broker/broker.ts'
import type { Checkout, Invoice, Stock } from '../../../topologies/checkout/records.ts'
import { TOPICS } from '../../../topologies/checkout/topics.ts'
import { readAll, textOf } from '../../support/topics.ts'
import { orderOf, piecesLeft, type PurchasesInput } from './purchases-input.ts'

export interface PurchasesComparison {
  /** Differences from what a reader of committed records must see; empty: all is right. */
  readonly wrong: readonly string[]
  /** Checkouts that only a reader of uncommitted records sees. */
  readonly aborted: number
}

interface Line<V> {
  readonly key: string
  readonly value: V
  readonly partition: number
}

/** Reads the topics, without the application, and compares them with an independent computation. */
export async function comparePurchases(
  broker: Broker,
  count: number,
  input: PurchasesInput,
): Promise<PurchasesComparison> {
  const checkouts = await linesOf<Checkout>(broker, TOPICS.checkouts)
  const invoices = await linesOf<Invoice>(broker, TOPICS.invoices)
  const wrong = [
    ...eachOnce('checkout', checkouts, count),
    ...eachOnce('delivery', await linesOf(broker, TOPICS.deliveries), count),
    ...eachOnce('invoice', invoices, count),
    ...wrongTotals(checkouts),
    ...gapsOf(invoices),
    ...wrongStock(await linesOf<Stock>(broker, TOPICS.inventory), input),
  ]
  const seen = await readAll(broker, TOPICS.checkouts, 'read_uncommitted')
  return { wrong, aborted: seen.length - checkouts.length }
}

async function linesOf<V>(broker: Broker, topic: string): Promise<readonly Line<V>[]> {
  const records = await readAll(broker, topic)
  return records.map(({ key, value, partition }) => ({
    key: textOf(key) ?? '',
    value: JSON.parse(textOf(value) ?? 'null') as V,
    partition,
  }))
}

function eachOnce(what: string, lines: readonly Line<unknown>[], count: number): string[] {
  const times = new Map<string, number>()
  for (const { key } of lines) times.set(key, (times.get(key) ?? 0) + 1)
  const missing = Array.from({ length: count }, (_, at) => orderOf(at)).filter(key => !times.has(key))
  const repeated = [...times].filter(([, number]) => number > 1).map(([key]) => key)
  return [
    ...(missing.length > 0 ? [`${missing.length} orders without ${what}: ${firstOf(missing)}`] : []),
    ...(repeated.length > 0 ? [`${repeated.length} orders with several ${what}s: ${firstOf(repeated)}`] : []),
    ...(times.size > count ? [`${times.size - count} ${what}s of no order`] : []),
  ]
}

function wrongTotals(lines: readonly Line<Checkout>[]): string[] {
  const wrong = lines.filter(({ value: { items, totalCents } }) => {
    return totalCents !== items.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0)
  })
  return wrong.map(({ key }) => `the total of ${key}`)
}

/** Invoices of a partition are numbered 1, 2, 3 … in their order. */
function gapsOf(lines: readonly Line<Invoice>[]): string[] {
  const lasts = new Map<number, number>()
  return lines.flatMap(({ key, value, partition }) => {
    const number = (lasts.get(partition) ?? 0) + 1
    lasts.set(partition, number)
    return value.number === `${partition}-${number}`
      ? []
      : [`the invoice of ${key} has number ${value.number}, not ${partition}-${number}`]
  })
}

/** The stock ends where it must, and what is sold of an article never goes back. */
function wrongStock(lines: readonly Line<Stock>[], { sold }: PurchasesInput): string[] {
  const lasts = new Map<string, Stock>()
  const wrong: string[] = []
  for (const { key, value } of lines) {
    if (value.sold < (lasts.get(key)?.sold ?? 0))
      wrong.push(`what is sold of ${key} goes back to ${value.sold}`)
    lasts.set(key, value)
  }
  for (const [sku, pieces] of sold) {
    const found = lasts.get(sku)
    if (found?.sold !== pieces || found.pieces !== piecesLeft(pieces))
      wrong.push(`stock of ${sku}: ${JSON.stringify(found)} in place of ${pieces} sold`)
  }
  return wrong
}

function firstOf(keys: readonly string[]): string {
  return keys.slice(0, 3).join(', ')
}
