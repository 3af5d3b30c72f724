import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker, type EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics } from '../support/topics.ts'
import { countSubject } from './restore-subject.ts'

/** Enough for the engine to be prepared for them. */
const RECORDS = 130_000
const KEYS = 100_000
const CHILD = fileURLToPath(new URL('restore-child.ts', import.meta.url))

/** The value of a key is the number of the last record that has it. */
async function fillChangelog(broker: EmbeddedBroker): Promise<void> {
  await createTopics(broker, { in: 1, 'subject-counts-changelog': 1 })
  const producer = await broker.producer({ clientId: 'test' })
  const topic = 'subject-counts-changelog'
  for (let at = 0; at < RECORDS; at += 1) {
    if (!producer.writable) await producer.drained()
    const value = Buffer.alloc(8)
    value.writeBigInt64BE(BigInt(at))
    // In no order of the keys.
    const key = Buffer.from(`key-${(at * 7919) % KEYS}`)
    producer.send({ topic, partition: 0, key, value, timestamp: 1000, headers: [] })
  }
  await producer.flush()
  await producer.close()
}

function expectedSum(): number {
  const values = new Map<number, number>()
  for (let at = 0; at < RECORDS; at += 1) values.set((at * 7919) % KEYS, at)
  return [...values.values()].reduce((sum, value) => sum + value, 0)
}

it('kill -9 between the batches of a restore, again and again: each goes on where the last one was', async () => {
  const directory = await temporaryDirectory()
  const open = () => openEmbeddedBroker({ directory: join(directory, 'broker') })
  const first = await open()
  await fillChangelog(first)
  await first.close()
  // The first ends while its engine is prepared for much; what the others have left is too little for that.
  for (const records of [90_000, 20_000]) {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, directory, `${records}`], {
      stdio: 'inherit',
    })
    expect((await once(child, 'close'))[1]).toBe('SIGKILL')
  }
  const broker = await open()
  onTestFinished(() => broker.close())
  // The changelog was made by hand, without any offset.
  const offsetsLost = 'accept' as const
  const settings = { applicationId: 'subject', stateDir: join(directory, 'state'), offsetsLost }
  const streams = new KafkaStreams(countSubject(), settings, { broker, logger: silentLogger })
  await streams.start()
  // What was on its way into the engine when a child ended is replayed: some polls.
  expect(streams.metrics.total('restore-total')).toBeLessThan(RECORDS - 110_000 + 2 * 10_000)
  expect(streams.metrics.total('restore-total')).toBeGreaterThanOrEqual(RECORDS - 120_000)
  let [keys, sum] = [0, 0]
  for await (const [, value] of streams.store<string, number>('counts').all()) {
    keys += 1
    sum += value
  }
  expect([keys, sum]).toEqual([KEYS, expectedSum()])
  await streams.close()
})
