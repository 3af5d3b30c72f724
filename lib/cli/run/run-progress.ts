import { ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Admin } from '../../broker/broker.ts'
import { partitionKey } from '../../common/ids.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'
import { sourcePartitions } from './idle-watch.ts'
import type { Job } from './job.ts'
import type { Done, ProgressSource } from '../output/progress.ts'

const ROUND_MS = 2_000

/** State that is read back from changelogs. */
export function restoreSource({ metrics }: KafkaStreams): ProgressSource {
  let before = 0
  return {
    what: 'restored',
    read: () => {
      const restored = metrics.total('restore-total')
      const left = metrics.total('restore-remaining-records-total')
      if (left === 0) {
        before = restored
        return undefined
      }
      // A task that goes takes its numbers with it.
      const count = Math.max(0, restored - before)
      return { count, share: count / (count + left) }
    },
  }
}

/** Lines of an input on their way to a topic; of a file, by its bytes, how many are left. */
export class FeedProgress implements ProgressSource {
  readonly what: string
  readonly #stream: Readable
  readonly #bytes: number | undefined
  #count = 0

  private constructor(what: string, stream: Readable, bytes: number | undefined) {
    this.what = what
    this.#stream = stream
    this.#bytes = bytes
  }

  static async open(topic: string, stream: Readable): Promise<FeedProgress> {
    const found = stream instanceof ReadStream ? await stat(stream.path).catch(() => undefined) : undefined
    return new FeedProgress(`written to ${topic}`, stream, found?.isFile() ? found.size : undefined)
  }

  sent(count: number): void {
    this.#count = count
  }

  read(): Done | undefined {
    if (this.#count === 0) return undefined
    const read = this.#stream instanceof ReadStream ? this.#stream.bytesRead : 0
    return { count: this.#count, share: this.#bytes ? Math.min(1, read / this.#bytes) : undefined }
  }
}

/**
 * What lay in the topics of an application's sources, unprocessed, when it began to run. `follow` asks the
 * brokers how much of it is committed, until that is all or the signal aborts; what comes later is no replay.
 */
export class ReplayProgress implements ProgressSource {
  readonly what = 'processed of what had waited'
  readonly #job: Job
  #done: Done | undefined

  constructor(job: Job) {
    this.#job = job
  }

  read(): Done | undefined {
    return this.#done
  }

  async follow(admin: Admin, signal: AbortSignal): Promise<void> {
    const { plan, clock } = this.#job
    const partitions = await sourcePartitions(plan, admin)
    const ends = await admin.endOffsets(partitions, 'read_uncommitted')
    const left = async () => {
      const [begins, committed] = await Promise.all([
        admin.beginningOffsets(partitions),
        admin.groupOffsets(plan.applicationId, partitions),
      ])
      return partitions.reduce((sum, { topic, partition }) => {
        const key = partitionKey(topic, partition)
        const at = committed.get(key)?.offset ?? begins.get(key) ?? 0
        return sum + Math.max(0, (ends.get(key) ?? 0) - at)
      }, 0)
    }
    const all = await left()
    for (let now = all; now > 0 && !signal.aborted; now = await left()) {
      this.#done = { count: all - now, share: (all - now) / all }
      await clock.sleep(ROUND_MS, signal)
    }
    this.#done = undefined
  }
}
