import { expect, it } from 'vitest'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import checkout from '../../topologies/checkout.ts'
import type { Checkout, Invoice, Purchase, Stock } from '../../topologies/checkout/records.ts'
import { TOPICS } from '../../topologies/checkout/topics.ts'

const json = <V>() => ({ keySerde: serdes.string(), valueSerde: serdes.json<V>() })

const purchase = (payment: number, quantity: number): Purchase => ({
  purchaseId: `payment-${payment}`,
  customer: 'ada',
  items: [
    { sku: 'mat', quantity, cents: 1_000 },
    { sku: 'tea', quantity: 1, cents: 250 },
  ],
})

function driverOf() {
  const driver = new TopologyTestDriver(checkout())
  return {
    driver,
    purchases: driver.createInputTopic<string, Purchase>(TOPICS.purchases, json()),
    restocks: driver.createInputTopic<string, { pieces: number }>(TOPICS.restocks, json()),
    values: <V>(topic: string) =>
      driver
        .createOutputTopic<string, V>(topic, json())
        .readRecords()
        .map(({ value }) => value),
  }
}

it('a purchase becomes one checkout, and from it a delivery, an invoice and a change of the stock', () => {
  const { purchases, restocks, values } = driverOf()
  restocks.pipeInput('mat', { pieces: 10 })
  purchases.pipeInput('order-1', purchase(1, 3))
  expect(values<Checkout>(TOPICS.checkouts)).toEqual([{ ...purchase(1, 3), totalCents: 3_250 }])
  expect(values(TOPICS.deliveries)).toEqual([{ customer: 'ada', parcels: 2 }])
  expect(values<Invoice>(TOPICS.invoices)).toEqual([{ customer: 'ada', totalCents: 3_250, number: '0-1' }])
  expect(values<Stock>(TOPICS.inventory)).toEqual([
    { pieces: 10, sold: 0 },
    { pieces: 7, sold: 3 },
    { pieces: -1, sold: 1 },
  ])
})

it('a purchase that is told again within a day is left out', () => {
  const { purchases, values, driver } = driverOf()
  for (const timestamp of [1_000, 500, 80_000_000])
    purchases.pipeInput('order-1', purchase(1, 1), { timestamp })
  purchases.pipeInput('order-2', purchase(2, 1), { timestamp: 80_000_000 })
  expect(values<Invoice>(TOPICS.invoices).map(invoice => invoice?.number)).toEqual(['0-1', '0-2'])
  expect(driver.metricTotal('deduplicate-duplicates-total')).toBe(2)
})
