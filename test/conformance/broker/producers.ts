import { expect } from 'vitest'
import type { RejectedRecord } from '../../../lib/broker/broker.ts'
import { BrokerError } from '../../../lib/broker/broker-error.ts'
import { utf8 } from '../../../lib/common/bytes.ts'
import type { Scenario } from '../broker.ts'
import { record, refusal } from './stage.ts'

export function producerCases(scenario: Scenario): void {
  scenario('flush without anything sent resolves', async stage => {
    const producer = await stage.producer()
    await producer.flush()
    expect(producer.writable).toBe(true)
    await producer.drained()
  })

  scenario('flush rejects after a record for a partition that does not exist, once', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const sent = async () => {
      producer.send(record(topic, 'lost', { partition: 7 }))
      await producer.flush()
    }
    await refusal(sent())

    producer.send(record(topic, 'kept'))
    await producer.flush()
    expect(await stage.values(topic)).toEqual(['kept'])
  })

  scenario('flush rejects after a record for a topic that does not exist', async stage => {
    if (stage.capabilities.createsTopicsOnSend) return
    const producer = await stage.producer()
    producer.send(record(stage.name('nowhere'), 'lost'))
    expect((await refusal(producer.flush())).code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  scenario('a handler may let a refused record go', async stage => {
    const topic = await stage.topic()
    const rejected: RejectedRecord[] = []
    const producer = await stage.producer({
      onSendError: (_error, each) => {
        rejected.push(each)
        return 'continue'
      },
    })
    producer.send(record(topic, 'lost', { partition: 7, key: utf8('k') }))
    producer.send(record(topic, 'kept'))
    await producer.flush()

    expect(rejected).toMatchObject([{ topic, partition: 7 }])
    expect(await stage.values(topic)).toEqual(['kept'])
  })

  scenario('a record that is too large is refused as such, by send or by flush', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const value = new Uint8Array(stage.capabilities.refusedValueBytes)
    const error = await refusal(
      (async () => {
        producer.send(record(topic, '', { value }))
        await producer.flush()
      })(),
    )
    expect(error).toBeInstanceOf(BrokerError)
    expect(error.class).toBe('record-refused')

    producer.send(record(topic, 'small'))
    await producer.flush()
    expect(await stage.values(topic)).toEqual(['small'])
  })

  scenario('a producer that is not writable becomes so, and loses nothing', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const value = new Uint8Array(500_000)
    for (let sent = 0; sent < 200; sent++) {
      if (!producer.writable) await producer.drained()
      expect(producer.writable).toBe(true)
      producer.send(record(topic, '', { value }))
    }
    await producer.flush()
    expect(await stage.end(topic)).toBe(200)
  })
}
