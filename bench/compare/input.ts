import { Buffer } from 'node:buffer'
import { setImmediate as immediate } from 'node:timers/promises'
import type { Broker } from '../../lib/index.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { KEYS } from '../input.ts'

export interface InputRecord {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

/**
 * Event time: so many records of an input share a millisecond, so that a minute's window holds 600,000 of
 * them.
 */
const RECORDS_PER_MS = 10
const YIELD_EVERY = 5000
const JOIN_LAG_MS = 1000
const SEED = 0x6d696c6c

/**
 * The n-th number of a fixed random sequence, below `bound`. Keys in a cycle would be the worst case of every
 * LRU cache, which no user's data is.
 */
export function scattered(at: number, bound: number): number {
  let mixed = Math.imul((at + SEED) ^ ((at + SEED) >>> 16), 0x45d9f3b)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b)
  return ((mixed ^ (mixed >>> 16)) >>> 0) % bound
}

const keyOf = (number: number) => `key-${String(number).padStart(8, '0')}`

/** 107 bytes of JSON. */
export function orderValue(at: number, key: string): string {
  const id = String(at).padStart(10, '0')
  const amount = 1000 + scattered(at + 7, 9000)
  return `{"id":"${id}","site":"${key}","amount":${amount},"note":"the quick brown fox jumps over it"}`
}

/** What every workload reads: orders with keys out of 100,000, from this moment on. */
export function orders(startMs: number): (at: number) => InputRecord {
  return at => {
    const key = keyOf(scattered(at, KEYS))
    return { key, value: orderValue(at, key), timestamp: startMs + Math.floor(at / RECORDS_PER_MS) }
  }
}

/**
 * The right-hand side of the stream–stream join: a second later, in another order; about one of them matches
 * an order.
 */
export function shipments(startMs: number): (at: number) => InputRecord {
  return at => {
    const key = keyOf(scattered(at + 0x1000_0000, KEYS))
    const timestamp = startMs + JOIN_LAG_MS + Math.floor(at / RECORDS_PER_MS)
    return { key, value: `{"shipment":"${String(at).padStart(10, '0')}","site":"${key}"}`, timestamp }
  }
}

/** The right-hand side of the joins with a table: a row for every key, older than all orders. */
export function sites(startMs: number): (at: number) => InputRecord {
  return at => {
    const key = keyOf(at)
    return { key, value: `{"site":"${key}","city":"somewhere"}`, timestamp: startMs - 60_000 }
  }
}

export interface TopicToLoad {
  readonly topic: string
  readonly partitions: number
  readonly records: number
  record(at: number): InputRecord | RawInput
}

/** For values that are no text. */
export interface RawInput {
  readonly key: string
  readonly value: Uint8Array
  readonly timestamp: number
}

/** Fills an existing topic; records go where their keys belong. */
export async function loadTopic(
  broker: Broker,
  { topic, partitions, records, record }: TopicToLoad,
): Promise<void> {
  const producer = await broker.producer({ clientId: 'bench-loader' })
  for (let at = 0; at < records; at += 1) {
    if (!producer.writable) await producer.drained()
    // The client sends in threads of its own, so the producer may stay writable for good: signals would never
    // be seen.
    if (at % YIELD_EVERY === 0) await immediate()
    const { key, value, timestamp } = record(at)
    const keyBytes = Buffer.from(key)
    const valueBytes = typeof value === 'string' ? Buffer.from(value) : value
    const partition = partitionForKey(keyBytes, partitions)
    producer.send({ topic, partition, key: keyBytes, value: valueBytes, timestamp, headers: [] })
  }
  await producer.flush()
  await producer.close()
}
