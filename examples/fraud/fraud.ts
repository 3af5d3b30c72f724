import { joinWindows, serdes, slidingWindows, StreamsBuilder, timeWindows, type Windowed } from 'millrace'

export interface Payment {
  readonly id: string
  readonly card: string
  readonly euros: number
  readonly country: string
}

export interface Chargeback {
  readonly payment: string
  readonly reason: string
}

export interface Alert {
  readonly rule: 'sum' | 'countries' | 'burst' | 'chargeback'
  readonly detail: string
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const keySerde = serdes.string()
export const paymentSerdes = { keySerde, valueSerde: serdes.json<Payment>() }
export const chargebackSerdes = { keySerde, valueSerde: serdes.json<Chargeback>() }
export const alertSerdes = { keySerde, valueSerde: serdes.json<Alert>() }

const builder = new StreamsBuilder()
const payments = builder.stream('payments', paymentSerdes)
const byCard = payments.groupBy(({ card }) => card, { keySerde, name: 'by-card' })

/** What a card has paid within ten minutes, told anew for every minute. */
export const spending = byCard
  .windowedBy(timeWindows({ sizeMs: 10 * MINUTE_MS, advanceMs: MINUTE_MS, graceMs: MINUTE_MS }))
  .aggregate(
    () => ({ euros: 0, countries: [] as string[] }),
    (total, { euros, country }) => ({
      euros: total.euros + euros,
      countries: [...new Set([...total.countries, country])],
    }),
    { storeName: 'spending', valueSerde: serdes.json() },
  )

const burst = byCard
  .windowedBy(slidingWindows({ timeDifferenceMs: MINUTE_MS, graceMs: MINUTE_MS }))
  .count({ storeName: 'burst' })
  .toStream()
  .filter(count => count >= 5)
  .map(alert('burst', count => `${count} payments within a minute`))

const spent = spending.toStream()
const sums = spent
  .filter(({ euros }) => euros > 10_000)
  .map(alert('sum', ({ euros }) => `${euros} euros within ten minutes`))
const travels = spent
  .filter(({ countries }) => countries.length > 2)
  .map(alert('countries', ({ countries }) => countries.join(', ')))

const chargebacks = payments
  .selectKey(({ id }) => id)
  .join(
    builder.stream('chargebacks', chargebackSerdes).selectKey(({ payment }) => payment),
    ({ id, card }, { reason }) => ({
      card,
      alert: { rule: 'chargeback', detail: `${id}: ${reason}` } as const,
    }),
    {
      windows: joinWindows({ beforeMs: 0, afterMs: 90 * DAY_MS, graceMs: DAY_MS }),
      keySerde,
      valueSerde: paymentSerdes.valueSerde,
      otherValueSerde: chargebackSerdes.valueSerde,
    },
  )
  .map(({ card, alert }) => [card, alert as Alert])

burst.merge(sums).merge(travels).merge(chargebacks).to('alerts', alertSerdes)

/** A mapper to an alert by card. */
function alert<V>(rule: Alert['rule'], detail: (value: V) => string) {
  return (value: V, { key }: Windowed<string>): [string, Alert] => [key, { rule, detail: detail(value) }]
}

export const topics = ['payments', 'chargebacks', 'alerts'].map(topic => ({ topic, partitionCount: 4 }))
export default builder.build()
