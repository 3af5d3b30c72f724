import { describe, expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

async function application() {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { table: 2, in: 1 }, ['table'])
  const builder = new StreamsBuilder()
  builder.globalTable('table', { ...text, storeName: 'table' })
  builder.table('in', { ...text, storeName: 'local' })
  const config = { applicationId: 'app', stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return { broker, streams }
}

describe('a global store', () => {
  it('that has caught up shows what was written before the call', async () => {
    const { broker, streams } = await application()
    const store = streams.store<string, string>('table')
    for (let round = 0; round < 50; round += 1) {
      const value = round % 3 === 2 ? null : `v${round}`
      await produce(broker, 'table', 2, [
        ['a', value],
        ['b', value],
        ['c', value],
      ])
      await streams.caughtUp('table')
      for (const key of ['a', 'b', 'c']) expect(store.get(key)).toBe(value ?? undefined)
    }
    const sum = streams.globalPositions('table').reduce((total, { offset }) => total + offset, 0)
    expect(sum).toBe(150)
  })

  it('waits for a record behind a transaction that is open still', async () => {
    const { broker, streams } = await application()
    const writer = await broker.producer({ clientId: 'w', transactionalId: 'w' })
    onTestFinished(() => writer.close())
    await writer.initTransactions()
    await writer.begin()
    const record = { topic: 'table', partition: 0, timestamp: 1, headers: [] }
    writer.send({ ...record, key: Buffer.from('open'), value: Buffer.from('x') })
    await writer.flush()
    const plain = await broker.producer({ clientId: 'p' })
    onTestFinished(() => plain.close())
    plain.send({ ...record, key: Buffer.from('behind'), value: Buffer.from('y') })
    await plain.flush()
    let isThere = false
    const waiting = streams.caughtUp('table').then(() => (isThere = true))
    // Another partition's record is through meanwhile: the wait had every chance to end too early.
    await produce(broker, 'table', 2, [['elsewhere', 'z']])
    await eventually(() => streams.store('table').get('elsewhere') === 'z')
    expect(isThere).toBe(false)
    await writer.abortTransaction()
    await waiting
    expect(streams.store('table').get('behind')).toBe('y')
    expect(streams.store('table').get('open')).toBeUndefined()
  })

  it('whose application closes meanwhile is not waited for any more; others are refused', async () => {
    const { broker, streams } = await application()
    await expect(streams.caughtUp('none')).rejects.toMatchObject({ code: 'UNKNOWN_STORE' })
    await expect(streams.caughtUp('local')).rejects.toMatchObject({ code: 'STORE_NOT_AVAILABLE' })
    const writer = await broker.producer({ clientId: 'w', transactionalId: 'w' })
    onTestFinished(() => writer.close())
    await writer.initTransactions()
    await writer.begin()
    writer.send({
      topic: 'table',
      partition: 0,
      timestamp: 1,
      headers: [],
      key: Buffer.from('k'),
      value: null,
    })
    await writer.flush()
    const waiting = streams.caughtUp('table')
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await streams.close()
    await outcome
    await expect(streams.caughtUp('table')).rejects.toMatchObject({ code: 'STORE_NOT_AVAILABLE' })
  })
})
