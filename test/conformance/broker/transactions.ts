import { expect } from 'vitest'
import type { OutgoingRecord, Producer, ProducerOptions, RejectedRecord } from '../../../lib/broker/broker.ts'
import type { Scenario } from '../broker.ts'
import { record, refusal, type Stage, valueText } from './stage.ts'

const SMALL_RECORDS = { 'max.message.bytes': '1000' }
const TOO_LARGE = 5_000

function refusing(rejected: RejectedRecord[]): NonNullable<ProducerOptions['onSendError']> {
  return (_error, each) => {
    rejected.push(each)
    return 'fail'
  }
}

/**
 * False where an abort was asked for, and made: the native client may count wrong once more after a refusal.
 */
async function isCommitted(producer: Producer, each: OutgoingRecord): Promise<boolean> {
  try {
    await sendIn(producer, [each])
    await producer.commitTransaction()
    return true
  } catch (reason) {
    expect(reason).toMatchObject({ class: 'abortable' })
    await producer.abortTransaction()
    return false
  }
}

export function transactionCases(scenario: Scenario): void {
  scenario('a committed transaction is visible whole, in both partitions', async stage => {
    const topic = await stage.topic(2)
    const producer = await stage.transactional()
    await sendIn(producer, [record(topic, 'a'), record(topic, 'b', { partition: 1 })])
    await producer.commitTransaction()

    expect(await decided(stage, topic, 2)).toEqual(['a'])
    await stage.eventually('the end', () => stage.end(topic, 'read_committed', 1).then(end => end === 2))
    expect(await stage.values(topic, 'read_committed', 1)).toEqual(['b'])
  })

  scenario('an aborted transaction is invisible, except to read_uncommitted', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    await sendIn(producer, [record(topic, 'dropped')])
    await producer.abortTransaction()
    await sendIn(producer, [record(topic, 'kept')])
    await producer.commitTransaction()

    expect(await decided(stage, topic, 4)).toEqual(['kept'])
    expect(await stage.values(topic, 'read_uncommitted')).toEqual(['dropped', 'kept'])
  })

  scenario('what is sent ahead belongs to the next transaction', async stage => {
    const topic = await stage.topic(2)
    const producer = await stage.transactional()
    // Who cannot, says so by not having the method.
    if (!producer.sendAhead) return
    await sendIn(producer, [record(topic, 'first')])
    producer.sendAhead()
    producer.send(record(topic, 'second'))
    producer.send(record(topic, 'elsewhere', { partition: 1 }))
    await producer.commitTransaction()
    expect(await decided(stage, topic, 2)).toEqual(['first'])
    producer.send(record(topic, 'third'))
    expect(await stage.end(topic, 'read_uncommitted', 0)).toBe(2)
    expect(await stage.end(topic, 'read_uncommitted', 1)).toBe(0)

    await producer.begin()
    producer.send(record(topic, 'fourth'))
    await producer.commitTransaction()
    expect(await decided(stage, topic, 6)).toEqual(['first', 'second', 'third', 'fourth'])
    await stage.eventually('the end', () => stage.end(topic, 'read_committed', 1).then(end => end === 2))
    expect(await stage.values(topic, 'read_committed', 1)).toEqual(['elsewhere'])
  })

  scenario('what is refused while a commit is under way fails the next one', async stage => {
    const topic = await stage.topic(1, SMALL_RECORDS)
    const rejected: RejectedRecord[] = []
    const onSendError = refusing(rejected)
    const producer = await stage.transactional({ onSendError })
    if (!producer.sendAhead) return
    await sendIn(producer, [record(topic, 'first')])
    producer.sendAhead()
    const committing = producer.commitTransaction()
    producer.send(record(topic, 'x'.repeat(TOO_LARGE)))
    await committing
    await producer.begin()
    expect(await refusal(producer.commitTransaction())).toMatchObject({ class: 'record-refused' })
    expect(rejected).toMatchObject([{ topic, partition: 0, valueBytes: TOO_LARGE, timestamp: 1_000 }])
    await producer.abortTransaction()
    await sendIn(producer, [record(topic, 'second')])
    await producer.commitTransaction()
    await stage.eventually('both', async () => (await stage.values(topic, 'read_committed')).length === 2)
    expect(await stage.values(topic, 'read_committed')).toEqual(['first', 'second'])
  })

  scenario(
    'a record refused for good is told as such by the commit, each time, and not by the next',
    async stage => {
      const topic = await stage.topic(1, SMALL_RECORDS)
      const producer = await stage.transactional()
      for (let round = 0; round < 2; round += 1) {
        const error = await refusal(
          (async () => {
            await sendIn(producer, [record(topic, 'x'.repeat(TOO_LARGE))])
            await producer.commitTransaction()
          })(),
        )
        expect(error).toMatchObject({ class: 'record-refused', code: 'MESSAGE_TOO_LARGE' })
        expect(error.partitions).toMatchObject([{ topic, partition: 0 }])
        await producer.abortTransaction()
      }
      await stage.eventually('a commit', () => isCommitted(producer, record(topic, 'small')))
      await stage.eventually('it', async () => (await stage.values(topic, 'read_committed')).length === 1)
      expect(await stage.values(topic, 'read_committed')).toEqual(['small'])
    },
  )

  scenario('an abort drops what was sent ahead', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    if (!producer.sendAhead) return
    await sendIn(producer, [record(topic, 'dropped')])
    producer.sendAhead()
    producer.send(record(topic, 'dropped, too'))
    await producer.abortTransaction()
    await sendIn(producer, [record(topic, 'kept')])
    await producer.commitTransaction()

    expect(await decided(stage, topic, 4)).toEqual(['kept'])
    expect(await stage.values(topic, 'read_uncommitted')).toEqual(['dropped', 'kept'])
  })

  scenario('an open transaction holds the last stable offset, for records of others, too', async stage => {
    const topic = await stage.topic()
    const open = await stage.transactional()
    await sendIn(open, [record(topic, 'first')])
    const plain = await stage.producer()
    plain.send(record(topic, 'second'))
    await plain.flush()

    expect(await stage.end(topic, 'read_committed')).toBe(0)
    expect(await stage.end(topic, 'read_uncommitted')).toBe(2)
    const committed = await stage.consumer('read_committed')
    const uncommitted = await stage.consumer('read_uncommitted')
    for (const consumer of [committed, uncommitted]) consumer.assign([{ topic, partition: 0, offset: 0 }])
    expect((await stage.read(uncommitted, 2)).map(valueText)).toEqual(['first', 'second'])
    await committed.ready(50)
    expect(committed.poll(10).flatMap(batch => batch.records)).toEqual([])
    expect(committed.position({ topic, partition: 0 })).toBe(0)

    await open.commitTransaction()
    expect((await stage.readTo(committed, topic, 3)).map(valueText)).toEqual(['first', 'second'])
    expect(committed.knownEnd({ topic, partition: 0 })).toBe(3)
  })

  scenario('interleaved transactions of one partition are told apart', async stage => {
    const topic = await stage.topic()
    const [left, right] = [await stage.transactional(), await stage.transactional()]
    await sendIn(left, [record(topic, 'l1')])
    await sendIn(right, [record(topic, 'r1')])
    left.send(record(topic, 'l2'))
    await left.flush()
    right.send(record(topic, 'r2'))
    await right.flush()
    await left.abortTransaction()
    expect(await stage.values(topic)).toEqual([])
    await right.commitTransaction()

    expect(await decided(stage, topic, 6)).toEqual(['r1', 'r2'])
  })

  scenario('several aborted transactions of one producer, among committed ones', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    const plain = await stage.producer()
    for (const round of [0, 1, 2, 3, 4, 5]) {
      await sendIn(producer, [record(topic, `t${round}a`), record(topic, `t${round}b`)])
      plain.send(record(topic, `p${round}`))
      await plain.flush()
      if (round % 2 === 0) await producer.abortTransaction()
      else await producer.commitTransaction()
    }
    expect(await decided(stage, topic, 24)).toEqual([
      'p0',
      't1a',
      't1b',
      'p1',
      'p2',
      't3a',
      't3b',
      'p3',
      'p4',
      't5a',
      't5b',
      'p5',
    ])
  })

  scenario('reading from the middle of an aborted transaction shows none of it', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    await sendIn(producer, [record(topic, 'a'), record(topic, 'b'), record(topic, 'c')])
    await producer.abortTransaction()
    const plain = await stage.producer()
    plain.send(record(topic, 'after'))
    await plain.flush()
    await stage.eventually('the end', () => stage.end(topic).then(end => end === 5))

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 1 }])
    expect((await stage.readTo(consumer, topic, 5)).map(valueText)).toEqual(['after'])
  })

  scenario('records that were not flushed before an abort do not come later', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    await producer.begin()
    producer.send(record(topic, 'dropped'))
    await producer.abortTransaction()
    await sendIn(producer, [record(topic, 'kept')])
    await producer.commitTransaction()

    const settled = await stage.eventually('the transactions decided', async () => {
      const [stable, end] = [await stage.end(topic), await stage.end(topic, 'read_uncommitted')]
      return stable === end && (await stage.values(topic))
    })
    expect(settled).toEqual(['kept'])
  })

  scenario('an empty transaction commits and aborts', async stage => {
    const producer = await stage.transactional()
    await producer.begin()
    await producer.commitTransaction()
    await producer.begin()
    await producer.abortTransaction()
  })

  scenario(
    'a refused record keeps its transaction from committing; an abort makes a new start',
    async stage => {
      const topic = await stage.topic()
      const producer = await stage.transactional()
      await producer.begin()
      producer.send(record(topic, 'good'))
      await refusal(
        (async () => {
          producer.send(record(topic, 'bad', { partition: 9 }))
          await producer.commitTransaction()
        })(),
      )
      await producer.abortTransaction()
      await sendIn(producer, [record(topic, 'again')])
      await producer.commitTransaction()

      await stage.eventually('the second transaction', async () => {
        expect(await stage.values(topic)).toEqual(['again'])
        return true
      })
    },
  )
}

async function sendIn(producer: Producer, records: Parameters<Producer['send']>[0][]): Promise<void> {
  await producer.begin()
  for (const each of records) producer.send(each)
  await producer.flush()
}

/**
 * The committed values of partition 0, once everything before `end` is decided: markers may come after the
 * answer.
 */
async function decided(stage: Stage, topic: string, end: number): Promise<string[]> {
  await stage.eventually(`a stable end of ${end}`, async () => {
    expect(await stage.end(topic)).toBe(end)
    return true
  })
  return stage.values(topic)
}
