import { expect, it, onTestFinished } from 'vitest'
import { openKeyValueStore, VersionConflictError } from '../../lib/index.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { createTopics } from '../support/topics.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')

await suite('a key-value store on a real broker', () => {
  it('shows what it has written, counts every increment of two processes, and loads what is there', async () => {
    const { broker, prefix } = await KafkaStage.open(brokers, 'key-value')
    const topic = `${prefix}counters`
    await createTopics(broker, { [topic]: 2 }, [topic])
    const open = async () => {
      const store = await openKeyValueStore<string, number>(topic, {
        ...{ broker, logger: silentLogger, writes: 'single-writer' },
      })
      onTestFinished(() => store.close())
      return store
    }
    const [one, two] = [await open(), await open()]
    const increments = [one, two, one, two].map(async store => {
      for (let n = 0; n < 5; n += 1) await store.update('hits', (value = 0) => value + 1)
    })
    await Promise.all(increments)
    for (const store of [one, two]) await eventually(() => store.get('hits') === 20)
    await expect(one.put('hits', 0, { expectedVersion: 1 })).rejects.toThrow(VersionConflictError)
    await one.put('gone', 1)
    await one.delete('gone')
    expect(one.has('gone')).toBe(false)
    const later = await open()
    expect([...later]).toEqual([['hits', 20]])
  })

  it('is refused over a topic that is not compacted, with the command that mends it', async () => {
    const { broker, prefix } = await KafkaStage.open(brokers, 'key-value')
    await createTopics(broker, { [`${prefix}prices`]: 1 })
    const opening = openKeyValueStore(`${prefix}prices`, { broker, logger: silentLogger })
    await expect(opening).rejects.toMatchObject({ code: 'TOPIC_NOT_COMPACTED' })
    await expect(opening).rejects.toThrow(`kafka-configs --bootstrap-server`)
  })
})
