import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import type { Consumer } from '../../lib/broker/broker.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { refusal } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import {
  type FakeControl,
  fakeLogs,
  numbered,
  record,
  transactionalProducer,
} from './direct-producer-stage.ts'
import type { ProduceFate } from './fake-log-cluster.ts'
import { roundTrip } from './round-trip.ts'

/** The sender's, for what has waited for too long. */
const EXPIRY_MS = 1_000
const consumer = {} as Consumer
const offsets = [{ topic: 'in', partition: 0, offset: 1 }]
const soon = (what: string, condition: () => boolean) => eventually(condition, { what, pauseMs: 2 })

/** A gate for produce requests: what arrives waits until it is opened. */
function gate(fate: ProduceFate = 'write') {
  let open = () => undefined as void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { open: () => open(), fate: () => opened.then(() => fate) }
}

/** A commit that is under way until `answer` is called. */
function slowCommit(control: FakeControl) {
  let answer = () => undefined as void
  const asked = new Promise<void>(asks => {
    control.commit = () => {
      asks()
      return new Promise<void>(resolve => (answer = resolve))
    }
  })
  return { asked, answer: () => answer() }
}

/** Real time, which a test can move forward; what looks for old batches runs when the test says so. */
function agingClock() {
  let skewMs = 0
  const looks: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + skewMs,
    schedule: (delayMs, callback, options) => {
      if (delayMs !== EXPIRY_MS) return systemClock.schedule(delayMs, callback, options)
      looks.push(callback)
      return { cancel: () => undefined }
    },
  }
  const pass = (ms: number) => {
    skewMs += ms
    for (const look of looks.splice(0)) look()
  }
  return { clock, pass }
}

describe('what is sent ahead of a commit that is under way', () => {
  test('and refused then, fails the next commit and not this one', async () => {
    const fake = await fakeLogs()
    const { producer, control, rejected } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'first'))
    await producer.sendOffsets(offsets, consumer)
    producer.sendAhead!()
    const commit = slowCommit(control)
    const committing = producer.commitTransaction()
    await commit.asked
    producer.send(record(fake, 'nowhere', { partition: 9 }))
    await soon('the refusal', () => rejected.length === 1)
    commit.answer()
    await committing
    await producer.begin()
    producer.send(record(fake, 'second'))
    await producer.sendOffsets(offsets, consumer).catch(() => undefined)
    expect(await refusal(producer.commitTransaction())).toMatchObject({
      class: 'topic-missing',
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    await producer.abortTransaction()
    control.commit = () => Promise.resolve()
    await producer.begin()
    producer.send(record(fake, 'third'))
    await producer.commitTransaction()
    expect(fake.values().at(-1)).toBe('third')
  })

  test('and let go by the handler, fails none', async () => {
    const fake = await fakeLogs()
    const { producer, control, rejected } = await transactionalProducer(fake, {}, () => 'continue')
    await producer.begin()
    producer.sendAhead!()
    const commit = slowCommit(control)
    const committing = producer.commitTransaction()
    await commit.asked
    producer.send(record(fake, 'nowhere', { partition: 9 }))
    await soon('the refusal', () => rejected.length === 1)
    commit.answer()
    await committing
    control.commit = () => Promise.resolve()
    await producer.begin()
    await producer.commitTransaction()
  })

  test('has no age: it is there however long the answer takes, and is given up only if it cannot be sent then', async () => {
    const fake = await fakeLogs()
    const { clock, pass } = agingClock()
    const timeout = { 'message.timeout.ms': 1_000 }
    const { producer, control, rejected } = await transactionalProducer(fake, timeout, undefined, clock)
    await producer.begin()
    producer.send(record(fake, 'first'))
    await producer.sendOffsets(offsets, consumer)
    producer.sendAhead!()
    const commit = slowCommit(control)
    const committing = producer.commitTransaction()
    await commit.asked
    producer.send(record(fake, 'ahead'))
    pass(60_000)
    commit.answer()
    await committing
    await producer.begin()
    pass(999)
    control.commit = () => Promise.resolve()
    producer.send(record(fake, 'second'))
    await producer.commitTransaction()
    expect(fake.values()).toEqual(['first', 'ahead', 'second'])
    expect(rejected).toEqual([])
  })

  test('and stops its producer, fails the next commit', async () => {
    const fake = await fakeLogs()
    const { producer, control } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'first'))
    await producer.sendOffsets(offsets, consumer)
    producer.sendAhead!()
    const commit = slowCommit(control)
    const committing = producer.commitTransaction()
    await commit.asked
    producer.send(record(fake, 'ahead'))
    commit.answer()
    await committing
    fake.fate = () => [47]
    await producer.begin()
    expect(await refusal(producer.commitTransaction())).toMatchObject({ class: 'fenced' })
  })
})

describe('the transactional producer', () => {
  test('adds partitions before it writes to them, and ends the transaction that the native client knows nothing of', async () => {
    const fake = await fakeLogs(3)
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    for (const value of numbered(30)) producer.send(record(fake, value, { partition: value.length % 2 }))
    await producer.commitTransaction()
    expect(fake.told).toEqual([
      'native init',
      'native begin',
      'add 0 1 as tx 7.1: 0',
      'commit as tx 7.1: 0',
      'native commit',
    ])
    expect(fake.produces.every(({ transactionalId }) => transactionalId === 'tx')).toBe(true)
    const batches = fake.partitions.flatMap(log => log.batches)
    expect(
      batches.map(({ isTransactional, producerId, epoch }) => [isTransactional, producerId, epoch]),
    ).toEqual(batches.map(() => [true, 7, 1]))
  })

  test('leaves the end to the native client where that has added offsets', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    for (const end of ['commit', 'abort'] as const) {
      await producer.begin()
      producer.send(record(fake, 'v'))
      await producer.sendOffsets(offsets, consumer)
      await (end === 'commit' ? producer.commitTransaction() : producer.abortTransaction())
    }
    expect(fake.told.slice(1)).toEqual([
      'native begin',
      'add 0 as tx 7.1: 0',
      'native offsets',
      'native commit',
      'native begin',
      'add 0 as tx 7.1: 0',
      'native offsets',
      'native abort',
    ])
  })

  test('an empty transaction is the native client’s alone', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    await producer.commitTransaction()
    await producer.begin()
    await producer.abortTransaction()
    expect(fake.told).toEqual([
      'native init',
      'native begin',
      'native commit',
      'native begin',
      'native abort',
    ])
  })

  test('offsets whose sending has failed leave the end to us', async () => {
    const fake = await fakeLogs()
    const { producer, control } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'v'))
    control.sending = () => Promise.reject(new Error('the group has moved on'))
    await expect(producer.sendOffsets(offsets, consumer)).rejects.toThrow('moved on')
    await producer.abortTransaction()
    expect(fake.told.slice(-2)).toEqual(['abort as tx 7.1: 0', 'native abort'])
  })

  test('records travel while the offsets do', async () => {
    const fake = await fakeLogs()
    const { producer, control } = await transactionalProducer(fake, { 'linger.ms': 10_000 })
    await producer.begin()
    producer.send(record(fake, 'v'))
    control.sending = () => soon('the record', () => fake.values().length === 1).then(() => undefined)
    await producer.sendOffsets(offsets, consumer)
    await producer.commitTransaction()
    expect(fake.values()).toEqual(['v'])
  })

  test('waits for the last transaction to be completed, and for a coordinator that moves', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    fake.addCodes.push(51, 51, 51, 16, 14, 'lose')
    fake.findCodes.push(15)
    fake.endCodes.push(51, 16, 'lose')
    await producer.begin()
    for (const value of numbered(5)) producer.send(record(fake, value))
    await producer.commitTransaction()
    expect(fake.values()).toEqual(numbered(5))
    expect(fake.told.filter(each => each.startsWith('add'))).toHaveLength(7)
    expect(fake.told.slice(-2)).toEqual(['commit as tx 7.1: 0', 'native commit'])
  })

  test('follows a coordinator that moves, while partitions are added and before the end', async () => {
    const fake = await fakeLogs(2)
    const { producer } = await transactionalProducer(fake)
    for (const [partition, coordinator] of [0, 1].entries()) {
      await producer.begin()
      producer.send(record(fake, 'v', { partition }))
      await producer.flush()
      fake.coordinator = coordinator
      await producer.commitTransaction()
      fake.coordinator = 1 - coordinator
    }
    expect(fake.told.filter(each => each.includes(': 0'))).toEqual([
      'add 0 as tx 7.1: 0',
      'commit as tx 7.1: 0',
      'add 1 as tx 7.1: 0',
      'commit as tx 7.1: 0',
    ])
  })

  test.each([
    { what: 'add its partitions', code: 47, at: 'addCodes', class: 'fenced' },
    { what: 'add its partitions', code: 90, at: 'addCodes', class: 'fenced' },
    { what: 'add its partitions', code: 53, at: 'addCodes', class: 'authorization' },
    { what: 'commit', code: 47, at: 'endCodes', class: 'fenced' },
  ] as const)('that may not $what ($code) is $class', async ({ code, at, class: errorClass }) => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'v'))
    fake[at].push(code)
    const error = await refusal(producer.commitTransaction())
    expect(error.class).toBe(errorClass)
    expect(fake.told.at(-1)).not.toBe('native commit')
  })

  test.each([47, 90])('that is fenced at a leader (%i) commits nothing', async code => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    fake.fate = () => [code]
    producer.send(record(fake, 'v'))
    expect(await refusal(producer.commitTransaction())).toMatchObject({ class: 'fenced' })
    expect(fake.told.filter(each => each.startsWith('commit'))).toEqual([])
  })

  test('a broker that counts otherwise ends the producer', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    fake.fate = () => [45]
    producer.send(record(fake, 'v'))
    expect(await refusal(producer.commitTransaction())).toMatchObject({ class: 'fatal' })
  })

  test('a refused record keeps its transaction from committing; sequences go on after the abort', async () => {
    const fake = await fakeLogs(2)
    const { producer, rejected } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'first'))
    await producer.flush()
    fake.batchBytesMax = 500
    producer.send(record(fake, 'x'.repeat(600), { key: Buffer.from('k') }))
    expect(await refusal(producer.commitTransaction())).toMatchObject({
      class: 'record-refused',
      code: 'MESSAGE_TOO_LARGE',
    })
    expect(rejected).toMatchObject([{ key: Buffer.from('k') }])
    await producer.abortTransaction()
    await producer.begin()
    producer.send(record(fake, 'second'))
    await producer.commitTransaction()
    expect(fake.values()).toEqual(['first', 'second'])
    expect(fake.partitions[0]!.batches.map(({ sequence }) => sequence)).toEqual([0, 1])
  })

  test('a refused record that may be let go does not', async () => {
    const fake = await fakeLogs()
    fake.batchBytesMax = 500
    const { producer } = await transactionalProducer(fake, {}, () => 'continue')
    await producer.begin()
    producer.send(record(fake, 'x'.repeat(600)))
    producer.send(record(fake, 'kept'))
    await producer.commitTransaction()
    expect(fake.values()).toEqual(['kept'])
  })

  test('an abort drops what was not sent, and waits for what is on its way before it tells the coordinator', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    const held = gate()
    fake.fate = held.fate
    producer.send(record(fake, 'under way'))
    await soon('the request', () => fake.produces.length === 1)
    producer.send(record(fake, 'never sent'))
    const aborting = producer.abortTransaction()
    await roundTrip(fake)
    expect(fake.told.filter(each => each.startsWith('abort'))).toEqual([])
    held.open()
    await aborting
    expect(fake.told.slice(-2)).toEqual(['abort as tx 7.1: 0', 'native abort'])
    fake.fate = () => 'write'
    await producer.begin()
    producer.send(record(fake, 'next'))
    await producer.commitTransaction()
    expect(fake.values()).toEqual(['under way', 'next'])
  })

  test.each(['lose', 'drop', [20], [6]] as const)(
    'an abort with a batch whose fate is unknown (%o) asks for a new producer, and tells the coordinator nothing',
    async fate => {
      const fake = await fakeLogs()
      const { producer } = await transactionalProducer(fake)
      await producer.begin()
      const held = gate(fate)
      fake.fate = held.fate
      producer.send(record(fake, 'v'))
      await soon('the request', () => fake.produces.length === 1)
      const aborting = refusal(producer.abortTransaction())
      held.open()
      expect(await aborting).toMatchObject({ class: 'fenced', code: 'PRODUCE_OUTCOME_UNKNOWN' })
      expect(fake.told.filter(each => /abort/.test(each))).toEqual([])
      expect(fake.produces).toHaveLength(1)
    },
  )

  test('an abort between the request to add partitions and its answer ends what it has begun', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    const asked = new Promise<{ aborting: Promise<void> }>(resolve => {
      fake.told.push = (...lines) => {
        if (lines[0]!.startsWith('add')) resolve({ aborting: producer.abortTransaction() })
        return Array.prototype.push.apply(fake.told, lines)
      }
    })
    producer.send(record(fake, 'v'))
    await (
      await asked
    ).aborting
    expect(fake.told.slice(-3)).toEqual(['add 0 as tx 7.1: 0', 'abort as tx 7.1: 0', 'native abort'])
  })

  test('an abort while partitions are being added waits for the answer, and ends what may have begun', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    fake.addCodes.push('lose')
    producer.send(record(fake, 'v'))
    await soon('the request', () => fake.told.some(each => each.startsWith('add')))
    // There may be nothing to end.
    fake.endCodes.push(48)
    await producer.abortTransaction()
    expect(fake.told.slice(-2)).toEqual(['abort as tx 7.1: 48', 'native abort'])
    expect(fake.produces).toEqual([])
  })

  test('goes on under the identity that an abort has left, numbers from 0', async () => {
    const fake = await fakeLogs()
    const { producer, control } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'first'))
    await producer.flush()
    await producer.abortTransaction()
    control.present = { producerId: 7, epoch: 2 }
    await producer.begin()
    producer.send(record(fake, 'second'))
    await producer.commitTransaction()
    expect(fake.partitions[0]!.batches.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [1, 0],
      [2, 0],
    ])
    expect(fake.told.at(-2)).toBe('commit as tx 7.2: 0')
  })

  test('a commit whose answer is lost for too long may be tried again', async () => {
    const fake = await fakeLogs()
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'v'))
    await producer.flush()
    fake.findCodes.push(...Array<number>(3).fill(15))
    fake.endCodes.push('lose', 'lose')
    await producer.commitTransaction()
    expect(fake.told.filter(each => each.startsWith('commit'))).toHaveLength(3)
  })

  test('close leaves no connection, whatever is under way', async () => {
    const fake = await fakeLogs()
    fake.fate = () => 'silence'
    const { producer } = await transactionalProducer(fake)
    await producer.begin()
    producer.send(record(fake, 'v'))
    await soon('the request', () => fake.produces.length === 1)
    const committing = refusal(producer.commitTransaction())
    await producer.close()
    expect(await committing).toMatchObject({ code: 'CLIENT_CLOSED' })
    await soon('the end of its connections', () => fake.openConnections === 1)
  })
})
