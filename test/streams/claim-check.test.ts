import { rm } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { DirectoryPayloads } from '../../lib/patterns/payloads/directory-payloads.ts'
import { ClaimCheck } from '../../lib/serde/claims/claim-check.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Each application has a claim check of its own, as processes do. */
const claimsIn = (directory: string) =>
  new ClaimCheck({
    payloads: new DirectoryPayloads(directory),
    serde: serdes.string(),
    thresholdBytes: 1_000,
  })

function writing(directory: string) {
  const claims = claimsIn(directory)
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .mapValuesAsync(length => claims.checkIn('x'.repeat(Number(length))))
    .to('claims', { keySerde: serdes.string(), valueSerde: claims.serde })
  return builder.build()
}

function reading(directory: string) {
  const claims = claimsIn(directory)
  const builder = new StreamsBuilder()
  builder
    .stream('claims', { keySerde: serdes.string(), valueSerde: claims.serde })
    .mapValues(value => String(value.length))
    .to('out', text)
  return builder.build()
}

describe('a claim check between two applications', () => {
  it('keeps large values out of the topic, and tells the handler of a payload that is gone', async () => {
    const payloads = await temporaryDirectory()
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, claims: 1, out: 1 })
    const lengths = [5, 5_000, 1_000, 2_000_000, 5_000, 7_000]
    const lines = lengths.map((length, at) => [`k${at}`, String(length)] as const)
    await produce(broker, 'in', 1, lines)
    const errors: string[] = []
    const start = async (applicationId: string, topology: ReturnType<typeof writing>) => {
      const streams = new KafkaStreams(
        topology,
        {
          ...{ applicationId, stateDir: await temporaryDirectory(), commitIntervalMs: 10 },
          deserializationErrorHandler: error => {
            errors.push((error as { code?: string }).code!)
            return 'continue'
          },
        },
        { broker, logger: silentLogger },
      )
      onTestFinished(() => streams.close())
      await streams.start()
    }
    const seen = async (topic: string) => await readAll(broker, topic)

    await start('writer', writing(payloads))
    await eventually(async () => (await seen('claims')).length === lengths.length)
    const sizes = (await seen('claims')).map(({ value }) => value!.length)
    expect(sizes).toEqual([5, 40, 1_000, 40, 40, 40])

    await start('reader', reading(payloads))
    await eventually(async () => (await seen('out')).length === lengths.length)
    expect((await seen('out')).map(({ value }) => Number(textOf(value)))).toEqual(lengths)
    expect(errors).toEqual([])

    await rm(payloads, { recursive: true })
    await start('late-reader', reading(payloads))
    await eventually(async () => (await seen('out')).length === lengths.length + 2)
    await eventually(() => errors.length === 4)
    expect(new Set(errors)).toEqual(new Set(['CLAIM_GONE']))
  })
})
