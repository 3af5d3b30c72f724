import type { Observable } from 'rxjs'
import { ConfigError } from '../common/errors/errors.ts'
import type { ChangeFeed } from '../runtime/state/change-feed.ts'
import type { RuntimeSettings } from '../runtime/plan/settings.ts'
import type { Serde, SerdeContext } from '../serde/serde.ts'
import { serdes } from '../serde/serdes.ts'
import type { StoreBuilder } from '../store/contract/state-store.ts'
import type { StorePlan } from '../topology/plan.ts'
import { observable } from './observable.ts'

/** A committed change of a store; `value` null: the key was deleted. */
export interface StoreChange<K, V> {
  readonly key: K
  readonly value: V | null
  readonly timestamp: number
}

/** Bytes of the number of a duplicate, which stands behind key and time of a window in a changelog. */
const DUPLICATE_BYTES = 4

/**
 * Subscribing watches, unsubscribing stops; the bytes are read for subscribers only. Errors with what a serde
 * throws. Keys of windows and sessions are `Windowed`, as in the tables that have them.
 */
export function storeChanges<K, V>(
  feed: ChangeFeed,
  plan: StorePlan,
  settings: RuntimeSettings,
): Observable<StoreChange<K, V>> {
  const { name } = plan.builder
  const keySerde = serdeOrThrow<unknown>(plan.builder.keySerde ?? settings.defaultKeySerde, name, 'keySerde')
  const readKey = keyReader(plan.builder, keySerde) as (bytes: Uint8Array, context: SerdeContext) => K
  const valueSerde = serdeOrThrow<V>(
    plan.builder.valueSerde ?? settings.defaultValueSerde,
    name,
    'valueSerde',
  )
  const context = { topic: plan.changelogTopic ?? name }
  return observable(subscriber =>
    feed.watch(name, ({ key, value, timestamp }) => {
      let change: StoreChange<K, V>
      // An unreadable key or value must not fail the commit, in which the watcher is called.
      try {
        change = {
          key: readKey(key, context),
          value: value === null ? null : valueSerde.deserialize(value, context),
          timestamp,
        }
      } catch (error) {
        subscriber.error(error)
        return
      }
      subscriber.next(change)
    }),
  )
}

/** Returns a reader of keys as they are in the changelog. */
function keyReader(
  { kind, windowSizeMs }: StoreBuilder,
  keySerde: Serde<unknown>,
): (bytes: Uint8Array, context: SerdeContext) => unknown {
  if (windowSizeMs !== undefined) {
    const windowed = serdes.windowed(keySerde, windowSizeMs)
    return (bytes, context) =>
      windowed.deserialize(bytes.subarray(0, bytes.length - DUPLICATE_BYTES), context)
  }
  const serde = kind === 'session store' ? serdes.sessionWindowed(keySerde) : keySerde
  return (bytes, context) => serde.deserialize(bytes, context)
}

function serdeOrThrow<T>(serde: Serde<unknown> | undefined, store: string, setting: string): Serde<T> {
  if (serde) return serde as Serde<T>
  throw new ConfigError(
    'SERDE_MISSING',
    `store "${store}" has no ${setting}: give it one to watch its changes`,
  )
}
