import type { Clock } from '../../../common/clock.ts'
import { BrokerError } from '../../broker-error.ts'
import type {
  AssignmentListener,
  Consumer,
  OffsetToCommit,
  RecordBatch,
  TopicPartition,
  TopicPartitionOffset,
} from '../../broker.ts'
import { stableOffsets, type GroupQueries } from '../client/groups/group-queries.ts'
import type { Fetcher } from '../client/fetch/fetcher.ts'
import type { NativeGroupMember } from './native-group-member.ts'
import { closedError } from '../protocol/protocol-error.ts'
import { asBrokerError } from './native-call.ts'
import type { NativeConsumer } from './native-client.ts'
import type { WakeUp } from './wake-up.ts'

/** The interval of polls of the member and ticks of the fetcher while `ready` waits. */
const HEARTBEAT_MS = 100
const COMMITTED_TIMEOUT_MS = 60_000

export interface KafkaConsumerOptions {
  readonly clock: Clock
  readonly groups: GroupQueries
  readonly fetcher: Fetcher
  readonly member: NativeGroupMember | undefined
  readonly groupId: string | undefined
  readonly wakeUp: WakeUp
  /** Disconnects the native client of the fetcher, if it has one. */
  readonly disconnect: () => Promise<void>
}

/** A consumer of two halves, as the port has it: a fetcher that reads, and a member that owns partitions. */
export class KafkaConsumer implements Consumer {
  readonly #options: KafkaConsumerOptions
  #aliveAtMs = -Infinity
  #closing: Promise<void> | undefined

  constructor(options: KafkaConsumerOptions) {
    this.#options = options
  }

  subscribe(topics: readonly string[], listener: AssignmentListener): void {
    const member = this.#member()
    try {
      member.subscribe(topics, listener)
    } catch (reason) {
      throw asBrokerError(reason, `subscribing to ${topics.join(', ')}`)
    }
  }

  owned(): readonly TopicPartition[] {
    return this.#options.member?.owned() ?? []
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    this.#fetcher().assign(positions)
  }

  unassign(partitions: readonly TopicPartition[]): void {
    this.#fetcher().unassign(partitions)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#fetcher().pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#fetcher().resume(partitions)
  }

  poll(maxRecords: number): readonly RecordBatch[] {
    const fetcher = this.#fetcher()
    this.#keepAlive()
    const error = this.#options.member?.takeError() ?? fetcher.takeError()
    if (error) throw error
    return fetcher.poll(maxRecords)
  }

  async ready(timeoutMs: number): Promise<void> {
    const { clock, wakeUp } = this.#options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    let woken = false
    while (!this.#closing) {
      const told = this.#keepAlive()
      const leftMs = deadlineMs - clock.monotonicMs()
      if (woken || told || leftMs <= 0 || this.#hasNews()) return
      woken = await wakeUp.wait(Math.min(leftMs, HEARTBEAT_MS))
    }
  }

  position(partition: TopicPartition): number | undefined {
    return this.#options.fetcher.position(partition)
  }

  knownEnd(partition: TopicPartition): number | undefined {
    return this.#options.fetcher.knownEnd(partition)
  }

  async committed(
    partitions: readonly TopicPartition[],
    { timeoutMs = COMMITTED_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    if (this.#closing) throw closedError('consumer')
    const groupId = this.#options.groupId ?? noGroup()
    const { groups, clock } = this.#options
    return stableOffsets(groups, clock, { groupId, partitions, timeoutMs })
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.#member().commit(offsets)
  }

  /**
   * Lends the member's native handle to a producer, whose transactions carry the member's generation. The
   * handle is not closed before the promise settles.
   */
  async withGroupHandle<T>(use: (handle: NativeConsumer) => Promise<T>): Promise<T> {
    return this.#member().withHandle(use)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { member, fetcher, disconnect, wakeUp } = this.#options
    wakeUp.wake()
    await Promise.all([member?.close(), fetcher.close().then(disconnect)])
  }

  #member(): NativeGroupMember {
    if (this.#closing) throw closedError('consumer')
    return this.#options.member ?? noGroup()
  }

  #fetcher(): Fetcher {
    if (this.#closing) throw closedError('consumer')
    return this.#options.fetcher
  }

  #hasNews(): boolean {
    const { fetcher, member } = this.#options
    return fetcher.hasData || fetcher.hasError || member?.hasError === true
  }

  /** Polls the member and ticks the fetcher when it is time. True if the listener was called. */
  #keepAlive(): boolean {
    const { clock, member, fetcher } = this.#options
    const told = member?.serve() === true
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#aliveAtMs >= HEARTBEAT_MS) {
      this.#aliveAtMs = nowMs
      member?.poll()
      fetcher.tick()
    }
    return told
  }
}

function noGroup(): never {
  throw new BrokerError(
    'INVALID_GROUP_ID',
    'fatal',
    'the consumer has no group; open it with the option "group"',
  )
}
