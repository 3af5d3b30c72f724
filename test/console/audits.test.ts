import { describe, expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { AuditReader, type AuditAnswer } from '../../lib/console/audit/audit-reader.ts'
import { IdTable } from '../../lib/console/audit/id-table.ts'
import type { Audit } from '../../lib/streams/topology-file.ts'
import { eventually } from '../support/eventually.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const textId = ({ value }: { readonly value: Uint8Array | null }) => {
  if (value === null) throw new Error('a tombstone is no order')
  return utf8Text(value)
}
const audit: Audit = {
  name: 'delivered once',
  description: 'Each order is delivered once.',
  expected: { topics: ['orders'], id: textId },
  seen: { topics: ['deliveries'], id: textId },
  graceMs: 1,
}

async function openAudit(graceMs = 1) {
  const broker = await openBroker('memory', { logger: silentLogger })
  onTestFinished(() => broker.close())
  const admin = await broker.admin()
  await admin.createTopics([
    { topic: 'orders', partitionCount: 2 },
    { topic: 'deliveries', partitionCount: 3 },
  ])
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const around = { broker, admin, clock: systemClock, logger: silentLogger, stop: stop.signal }
  const reader = new AuditReader({ audits: [{ ...audit, graceMs }], ...around })
  const producer = await broker.producer({ clientId: 'writer', transactionalId: 'writer' })
  await producer.initTransactions()
  const write = async (topic: string, ids: readonly (string | null)[], { abort = false } = {}) => {
    await producer.begin()
    for (const [at, id] of ids.entries()) {
      const value = id === null ? null : utf8(id)
      producer.send({ topic, partition: at % 2, key: null, value, timestamp: 1_000 + at, headers: [] })
    }
    await producer.flush()
    if (abort) await producer.abortTransaction()
    else await producer.commitTransaction()
  }
  const until = (wanted: Partial<AuditAnswer>) =>
    eventually(() => {
      const [found] = reader.look()
      expect(found).toMatchObject({ caughtUp: true, ...wanted })
      return found
    })
  return { write, until }
}

describe('the audits', () => {
  it('count what was lost and what was repeated, of committed records only', async () => {
    const { write, until } = await openAudit()
    await write('orders', ['a', 'b', 'c', 'd'])
    await write('deliveries', ['a', 'b', 'c'])
    await until({ expected: 4, seen: 3, lost: 1, repeated: 0, pending: 0 })
    await write('deliveries', ['a'], { abort: true })
    await write('deliveries', ['b'])
    const found = await until({ expected: 4, seen: 3, lost: 1, repeated: 1, unexpected: 0 })
    expect(found.examples).toEqual({ lost: ['d'], repeated: ['b'] })
    expect(found.since).toBe(1_000)
    await write('deliveries', ['d'])
    await until({ seen: 4, lost: 0, repeated: 1 })
  })

  it('call nothing lost within the grace period, and what nobody expected unexpected', async () => {
    const { write, until } = await openAudit(60_000)
    await until({ expected: 0 })
    await write('orders', ['a'])
    await write('deliveries', ['z', 'z'])
    await until({ expected: 1, seen: 0, lost: 0, pending: 1, unexpected: 1, repeated: 0 })
    await write('orders', ['z'])
    await until({ expected: 2, seen: 1, pending: 1, unexpected: 0, repeated: 1 })
  })

  it('count a record of which no id can be made, and go on', async () => {
    const { write, until } = await openAudit()
    await write('orders', [null, 'a'])
    await write('deliveries', ['a'])
    await until({ expected: 1, seen: 1, lost: 0, unreadable: 1 })
  })
})

describe('the table of ids', () => {
  it('knows of each of many ids how often it was seen, as a map does (seeded)', () => {
    const random = new SeededRandom(7)
    const table = new IdTable(100_000)
    const model = new Map<string, { isExpected: boolean; seen: number }>()
    for (let step = 0; step < 40_000; step += 1) {
      const id = `id-${Math.floor(random.next() * 15_000)}`
      const before = model.get(id) ?? { isExpected: false, seen: 0 }
      const isSeen = random.next() < 0.5
      const given = isSeen ? table.see(id) : table.expect(id)
      expect(given).toEqual({ ...before, seen: Math.min(2, before.seen) })
      model.set(id, isSeen ? { ...before, seen: before.seen + 1 } : { ...before, isExpected: true })
    }
    expect(table.size).toBe(model.size)
  })

  it('takes no new ids when it is full, and goes on with those it has', () => {
    const table = new IdTable(2)
    for (const id of ['a', 'b']) table.expect(id)
    expect(table.expect('c')).toBeUndefined()
    expect(table.see('a')).toEqual({ isExpected: true, seen: 0 })
    expect(table.size).toBe(2)
  })
})
