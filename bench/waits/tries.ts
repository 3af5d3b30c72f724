import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fixedBackoff,
  KafkaStreams,
  openBroker,
  serdes,
  silentLogger,
  StreamsBuilder,
  systemClock,
} from '../../lib/index.ts'
import { createTopics, PARTITIONS } from '../input.ts'
import { lateness, type WaitFigure } from './figure.ts'

const DELAY_MS = 2_000

/** How late next tries are when so many records fail at once, and so are due at once. */
export async function tries(records: number, brokers: string): Promise<WaitFigure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-tries-'))
  const broker = await openBroker(brokers, { directory: join(directory, 'broker') })
  const failedMs = new Map<string, number>()
  const lateMs: number[] = []
  const run = `tries-${systemClock.nowMs()}`
  const [input, output] = [`${run}-in`, `${run}-out`]
  const serde = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const builder = new StreamsBuilder()
  builder
    .stream(input, serde)
    .mapValuesAsync<string>(
      (value, key, { attempt }) => {
        const nowMs = systemClock.nowMs()
        if (attempt > 1) {
          lateMs.push(nowMs - (failedMs.get(key) ?? nowMs) - DELAY_MS)
          return Promise.resolve(value)
        }
        failedMs.set(key, nowMs)
        return Promise.reject(new Error('down'))
      },
      {
        name: 'charge',
        concurrency: records,
        retry: { backoff: fixedBackoff({ delayMs: DELAY_MS }), attempts: 3 },
      },
    )
    .to(output, serde)
  const config = { applicationId: run, stateDir: join(directory, 'state'), commitIntervalMs: 100 }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  try {
    await createTopics(broker, [input, output])
    await load()
    await streams.start()
    while (lateMs.length < records) {
      if (streams.error) throw streams.error
      await systemClock.sleep(20)
    }
  } finally {
    await streams.close()
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }
  return lateness(`next try of ${records.toLocaleString('en')} records that fail at once`, lateMs)

  async function load(): Promise<void> {
    const producer = await broker.producer({ clientId: 'bench-loader' })
    const timestamp = systemClock.nowMs()
    for (let at = 0; at < records; at += 1) {
      const key = Buffer.from(`k${at}`)
      producer.send({ topic: input, partition: at % PARTITIONS, key, value: key, timestamp, headers: [] })
    }
    await producer.flush()
    await producer.close()
  }
}
