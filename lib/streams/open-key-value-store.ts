import { CommandClient } from '../patterns/key-value/command-client.ts'
import { RecordSender } from '../patterns/key-value/record-sender.ts'
import { RowMap, type RowChange } from '../patterns/key-value/row-map.ts'
import { completeStoreOptions, type TopicStoreOptions } from '../patterns/key-value/store-options.ts'
import { TopicStore } from '../patterns/key-value/topic-store.ts'
import { KeyValueHost } from './key-value-host.ts'
import { observable } from './observable.ts'

/**
 * Opens a compacted topic as a map in memory. Resolves when every row is there that was committed at the
 * call. Rejects with `TOPIC_NOT_COMPACTED`, `TOPIC_MISSING`, and what serdes and brokers reject with.
 * @example
 * ```ts
 * const countries = await openKeyValueStore<string, Country>('countries', { broker })
 * await countries.put('CL', { name: 'Chile' })
 * countries.get('CL') // { name: 'Chile' }, in well under a microsecond
 * ```
 */
export async function openKeyValueStore<K = string, V = unknown>(
  topic: string,
  options: TopicStoreOptions<K, V>,
): Promise<TopicStore<K, V>> {
  const store = startKeyValueStore(topic, options)
  try {
    await store.ready
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * As `openKeyValueStore`, but returns at once: for a server that answers 503 until `ready` resolves. Reads
 * before throw `NOT_READY`.
 */
export function startKeyValueStore<K = string, V = unknown>(
  topic: string,
  options: TopicStoreOptions<K, V>,
): TopicStore<K, V> {
  const settings = completeStoreOptions(topic, options)
  const { broker, keySerde, valueSerde, clock, random, writes, writeTimeoutMs } = settings
  const rows = new RowMap<K, V>(topic, keySerde)
  const sender = new RecordSender(broker, `${topic}-store`)
  const commands = writes === 'direct' ? undefined : new CommandClient({ sender, clock, random })
  const host = new KeyValueHost(topic, { settings, rows, commands })
  const changes = observable<RowChange<K, V>>(subscriber => {
    const stops = [
      rows.onChange(change => subscriber.next(change)),
      host.onClose(() => subscriber.complete()),
    ]
    return () => stops.forEach(stop => stop())
  })
  const parts = { topic, keySerde, valueSerde, rows, sender, commands, clock, writeTimeoutMs }
  return new TopicStore<K, V>({ ...parts, reader: host, changes })
}
