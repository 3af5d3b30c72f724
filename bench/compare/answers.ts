import { Buffer } from 'node:buffer'
import type { Broker, RawRecord } from '../../lib/index.ts'
import { murmur2 } from '../../lib/common/hash/murmur2.ts'
import { eachRecord } from '../output.ts'
import { PARTITIONS } from '../input.ts'

/**
 * What is compared of an output topic. `table`: the last value of each key, since how many updates come in
 * between is the caches' affair. `records`: all of them, in any order, since only the order of one key's
 * records is promised.
 */
export type AnswerKind = 'table' | 'records'

export interface Answer {
  readonly topic: string
  readonly kind: AnswerKind
  readonly count: number
  /** Does not depend on the order. */
  readonly hash: number
}

const TWO_TO_48 = 2 ** 48
const EMPTY = new Uint8Array()

export async function readAnswer(broker: Broker, topic: string, kind: AnswerKind): Promise<Answer> {
  if (kind === 'records') {
    let [count, hash] = [0, 0]
    await eachRecord(broker, topic, record => {
      count += 1
      hash = (hash + hashOf(record)) % TWO_TO_48
    })
    return { topic, kind, count, hash }
  }
  const rows = new Map<string, number>()
  await eachRecord(broker, topic, record => put(rows, record, hashOf(record)))
  let hash = 0
  for (const row of rows.values()) hash = (hash + row) % TWO_TO_48
  return { topic, kind, count: rows.size, hash }
}

export function isSame(left: Answer, right: Answer): boolean {
  return left.count === right.count && left.hash === right.hash
}

/**
 * The first key whose answers differ, for people. Partition by partition: whole outputs need not fit into
 * memory.
 */
export async function firstDifference(broker: Broker, left: Answer, right: Answer): Promise<string> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const [lefts, rights] = [
      await contentOf(broker, left, partition),
      await contentOf(broker, right, partition),
    ]
    for (const key of new Set([...lefts.keys(), ...rights.keys()])) {
      const [mine, theirs] = [lefts.get(key), rights.get(key)]
      if (mine !== theirs)
        return `partition ${partition}, key ${shown(key)}: ${shown(mine)} in ${left.topic}, ${shown(theirs)} in ${right.topic}`
    }
  }
  return `the same records, counted differently: ${left.count} and ${right.count}`
}

async function contentOf(
  broker: Broker,
  { topic, kind }: Answer,
  partition: number,
): Promise<Map<string, string>> {
  const content = new Map<string, string[]>()
  await eachRecord(
    broker,
    topic,
    ({ key, value }) => {
      const name = latin1(key)
      const values = kind === 'table' ? [] : (content.get(name) ?? [])
      values.push(value === null ? 'null' : latin1(value))
      content.set(name, values)
    },
    [partition],
  )
  return new Map(Array.from(content, ([key, values]) => [key, values.sort().join(' | ')]))
}

function put(rows: Map<string, number>, { key, value }: RawRecord, hash: number): void {
  if (value === null) rows.delete(latin1(key))
  else rows.set(latin1(key), hash)
}

/**
 * 48 bits of key and value together: were they merely added up, two keys could change their values unnoticed.
 */
function hashOf({ key, value }: RawRecord): number {
  const keyHash = murmur2(key ?? EMPTY)
  const valueHash = value === null ? 7 : murmur2(value)
  const low = mixed(Math.imul(keyHash, 0x5bd1e995) ^ valueHash)
  const high = mixed(Math.imul(valueHash, 0x5bd1e995) + keyHash) & 0xffff
  return high * 2 ** 32 + (low >>> 0)
}

function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return once ^ (once >>> 15)
}

function latin1(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? EMPTY).toString('latin1')
}

/** Bytes that are no text as hexadecimal digits. */
function shown(content: string | undefined): string {
  if (content === undefined) return 'nothing'
  const short = content.slice(0, 300)
  return /^[\x20-\x7e]*$/.test(short) ? `"${short}"` : `0x${Buffer.from(short, 'latin1').toString('hex')}`
}
