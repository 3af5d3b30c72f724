import {
  exponentialBackoff,
  Record,
  serdes,
  StreamsBuilder,
  type Firing,
  type KeyValueStore,
  type ProcessorContext,
  type ProcessorSupplier,
  type Topology,
  type TopologyAbout,
  type TopologySettings,
  type ValueAndTimestamp,
} from 'millrace'
import { charge } from './renewals/charge.ts'
import { CHARGE, SCHEDULE, type Receipt, type Renewal, type Subscription } from './renewals/records.ts'
import { TOPICS } from './renewals/topics.ts'

export { audits } from './renewals/audits.ts'
export { service } from './renewals/service.ts'
export { topics } from './renewals/topics.ts'

export const about: TopologyAbout = {
  title: 'Renewals',
  description:
    'Schedule and forget: subscriptions renew on their schedule, whatever the payment provider does. Switch it off, let one card fail, look at what waits, and replay what was given up.',
  problem: [
    'A provider that is away for an hour must not cost a customer a renewal, nor charge one twice.',
    'What fails is parked by customer and tried again in order, through crashes; one bad card holds up nobody else.',
    'What is hopeless becomes a dead letter, which can be replayed when its cause is gone.',
  ],
}

const keySerde = serdes.string()
const subscriptions = { keySerde, valueSerde: serdes.json<Subscription>() }
const renewals = { keySerde, valueSerde: serdes.json<Renewal>() }
const receipts = { keySerde, valueSerde: serdes.json<Receipt>() }

/**
 * Schedule and forget: a schedule makes one request for each subscriber, and each request becomes one
 * charge, however often the provider fails, and however often this process ends. A card that fails parks its
 * customer alone; what is hopeless is a dead letter. `renewals/service.ts` has the page and the provider.
 *
 * `--set every=10000`: milliseconds between two renewals. `--set provider=http://…`: where charges are made.
 */
export default function renewalsOf({ every = '15000', provider }: TopologySettings): Topology {
  const builder = new StreamsBuilder()
  builder.table(TOPICS.subscriptions, { ...subscriptions, storeName: 'subscriptions', ranges: true })
  builder
    // In each partition by itself: each looks through its own subscribers.
    .schedule(SCHEDULE, { everyMs: Number(every), onMissed: 'once', per: 'partition' })
    .process(eachSubscriber, { name: 'each-subscriber', stores: ['subscriptions'] })
    .to(TOPICS.renewals, renewals)
  builder
    .stream(TOPICS.renewals, renewals)
    .mapValuesAsync((renewal, customer, call) => charge(provider, customer, { renewal, call }), {
      name: CHARGE,
      pendingStore: { storeName: 'parked' },
      concurrency: 32,
      timeoutMs: 5_000,
      retry: {
        order: 'key',
        backoff: exponentialBackoff({ firstMs: 1_000, maxMs: 3_600_000 }),
        attempts: 6,
        // While the provider is down for all, nobody's attempts are used up.
        circuit: { openAfter: 10, probeEveryMs: 2_000 },
      },
    })
    .to(TOPICS.receipts, receipts)
  return builder.build()
}

type Subscribers = KeyValueStore<string, ValueAndTimestamp<Subscription>>

/** A firing becomes a request for each subscriber of the partition, all in one transaction. */
const eachSubscriber: ProcessorSupplier<string, Firing, string, Renewal> = {
  get() {
    let context: ProcessorContext<string, Renewal>
    let subscribers: Subscribers
    return {
      init(given) {
        context = given
        subscribers = given.getStateStore<Subscribers>('subscriptions')
      },
      process({ value: { nominalMs }, timestamp }) {
        for (const [customer, { value }] of subscribers.all()) {
          const renewal = { plan: value.plan, cents: value.cents, dueMs: nominalMs }
          context.forward(new Record(customer, renewal, timestamp))
        }
      },
    }
  },
}
