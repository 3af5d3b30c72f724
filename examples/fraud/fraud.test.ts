import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import topology, { alertSerdes, chargebackSerdes, paymentSerdes, spending } from './fraud.ts'

function open() {
  const driver = new TopologyTestDriver(topology)
  return {
    driver,
    payments: driver.createInputTopic('payments', { ...paymentSerdes, autoAdvanceMs: 10_000 }),
    chargebacks: driver.createInputTopic('chargebacks', chargebackSerdes),
    rules: () => {
      const alerts = driver.createOutputTopic('alerts', alertSerdes).readKeyValues()
      return new Set(alerts.map(([card, alert]) => `${card} ${alert?.rule}: ${alert?.detail}`))
    },
  }
}

test('sums, countries and bursts of a card', () => {
  const { driver, payments, rules } = open()
  using _ = driver
  const pay = (card: string, euros: number, country: string) =>
    payments.pipeInput(null, { id: 'p', card, euros, country })

  for (const country of ['DE', 'FR', 'DE', 'FR']) pay('honest', 20, country)
  expect(rules()).toEqual(new Set())
  for (const country of ['DE', 'FR', 'BR']) pay('stolen', 4_000, country)
  expect(rules()).toEqual(
    new Set(['stolen sum: 12000 euros within ten minutes', 'stolen countries: DE, FR, BR']),
  )
  for (let i = 0; i < 5; i += 1) pay('robot', 1, 'DE')
  expect(rules()).toEqual(new Set(['robot burst: 5 payments within a minute']))
  expect(driver.windowStore(spending).fetch('robot', 0)).toEqual({ euros: 5, countries: ['DE'] })
})

test('a chargeback finds its payment for ninety days', () => {
  const { driver, payments, chargebacks, rules } = open()
  using _ = driver
  const day = 24 * 60 * 60_000
  payments.pipeInput(null, { id: 'p1', card: 'c1', euros: 5, country: 'DE' }, { timestamp: 0 })
  chargebacks.pipeInput(null, { payment: 'p1', reason: 'stolen' }, { timestamp: 89 * day })
  expect(rules()).toEqual(new Set(['c1 chargeback: p1: stolen']))
  chargebacks.pipeInput(null, { payment: 'p1', reason: 'again' }, { timestamp: 91 * day })
  expect(rules()).toEqual(new Set())
})
