import type { Broker, Producer } from '../../../lib/broker/broker.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'

/** One writer: its transaction may be open, and it may have none at all. */
interface Writer {
  readonly producer: Producer
  readonly isTransactional: boolean
  isOpen: boolean
}

export interface History {
  readonly topic: string
  readonly partitionCount: number
  /** Ends the transactions that were left open, which holds readers back until then. */
  finish(): Promise<void>
}

const TIMESTAMP = 1_700_000_000_000

/**
 * A topic with the traces of several writers: committed, aborted and open transactions among each other and
 * among plain records, in batches of all sizes and compressions. `writing` are broker objects that differ in
 * what they compress with.
 */
export async function writeHistory(
  topic: string,
  writing: readonly Broker[],
  random: SeededRandom,
): Promise<History> {
  const partitionCount = 1 + random.below(3)
  const admin = await writing[0]!.admin()
  await admin.createTopics([{ topic, partitionCount, config: { 'retention.ms': '-1' } }])
  await admin.close()
  const writers: Writer[] = []
  for (let index = 0; index < 2 + random.below(3); index += 1) {
    writers.push(await openWriter(`${topic}-${index}`, random.pick(writing), index > 0))
  }
  const value = random.chance(0.3) ? 3_000 : 60
  for (let step = 10 + random.below(50); step > 0; step -= 1) {
    const writer = random.pick(writers)
    await act(writer, random, () => {
      const bytes = Buffer.alloc(1 + random.below(value), random.below(256))
      const partition = random.below(partitionCount)
      writer.producer.send({
        topic,
        partition,
        key: null,
        value: bytes,
        timestamp: TIMESTAMP + step,
        headers: [],
      })
    })
  }
  for (const writer of writers) {
    if (writer.isOpen && random.chance(0.5)) await end(writer, random)
    await writer.producer.flush()
  }
  return { topic, partitionCount, finish: () => finish(writers, random) }
}

async function openWriter(id: string, broker: Broker, isTransactional: boolean): Promise<Writer> {
  const producer = await broker.producer({
    clientId: id,
    ...(isTransactional ? { transactionalId: id, transactionTimeoutMs: 600_000 } : {}),
  })
  if (isTransactional) await producer.initTransactions()
  return { producer, isTransactional, isOpen: false }
}

async function act(writer: Writer, random: SeededRandom, send: () => void): Promise<void> {
  if (writer.isTransactional && !writer.isOpen) {
    await writer.producer.begin()
    writer.isOpen = true
  }
  for (let left = random.chance(0.2) ? 200 : random.below(12); left > 0; left -= 1) send()
  if (random.chance(0.6)) await writer.producer.flush()
  if (writer.isOpen && random.chance(0.4)) await end(writer, random)
}

async function end(writer: Writer, random: SeededRandom): Promise<void> {
  writer.isOpen = false
  if (random.chance(0.5)) await writer.producer.abortTransaction()
  else await writer.producer.commitTransaction()
}

async function finish(writers: readonly Writer[], random: SeededRandom): Promise<void> {
  for (const writer of writers) {
    if (writer.isOpen) await end(writer, random)
    await writer.producer.close()
  }
}
