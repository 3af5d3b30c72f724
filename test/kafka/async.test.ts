import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  asyncInput,
  asyncSubject,
  expectedAsync,
  expectSameAsync,
  prepareAsync,
  seenAsync,
} from '../support/async-subject.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { RandomCalls } from '../support/random-calls.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const { brokers, suite } = await needs('native client', 'broker')
const PARTITIONS = 4

await suite('asynchronous calls on a real broker', () => {
  it('move to another instance with what is under way, each result once', async () => {
    const broker = await openBroker(brokers, { logger: silentLogger })
    onTestFinished(() => broker.close())
    const applicationId = `async-${process.pid}`
    const prefix = `${applicationId}-`
    const input = asyncInput(3_000)
    await prepareAsync(broker, input, PARTITIONS, prefix)
    const calls = new RandomCalls({ seed: 51, pausesAt: [600, 1_500] })
    onTestFinished(() => calls.stop())
    const start = async () => {
      const topology = asyncSubject(calls.call, { concurrency: 100 }, prefix)
      const config = { applicationId, stateDir: await temporaryDirectory() }
      const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
      onTestFinished(() => streams.close())
      await streams.start()
      return streams
    }
    const first = await start()
    await eventually(() => calls.isPaused)
    await start()
    await eventually(() => calls.aborted > 0)
    calls.resume()
    await eventually(() => calls.isPaused)
    await first.close()
    calls.resume()
    const expected = expectedAsync(input, PARTITIONS)
    const seen = async () => expectSameAsync(await seenAsync(broker, PARTITIONS, prefix), expected)
    await eventually(seen, { pauseMs: 500 })
    expect(calls.violations).toEqual([])
  })
})
