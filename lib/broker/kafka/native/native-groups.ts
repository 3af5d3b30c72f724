import type { Clock } from '../../../common/clock.ts'
import { partitionKey } from '../../../common/ids.ts'
import type { GroupDescription, OffsetToCommit, TopicPartition } from '../../broker.ts'
import { brokerErrorFrom } from './classify-error.ts'
import type { ControlClient } from './control-client.ts'
import type { NativeGroup, NativePartition } from './native-client.ts'
import { untilAnswered, type GroupQueries } from '../client/groups/group-queries.ts'

const REQUEST_TIMEOUT_MS = 10_000
const COORDINATOR_MS_MAX = 60_000
const COORDINATOR_BACKOFF_MS = 100
const GROUP_STATES = ['unknown', 'rebalancing', 'rebalancing', 'stable', 'dead', 'empty'] as const

/**
 * Group queries by the native client, for brokers that only it can speak with. librdkafka 2.15.1 ends the
 * process where the coordinator's connection breaks during a query (confluentinc/librdkafka#4605, #5397).
 */
export class NativeGroups implements GroupQueries {
  readonly #control: ControlClient
  readonly #clock: Clock

  constructor(control: ControlClient, clock: Clock) {
    this.#control = control
    this.#clock = clock
  }

  async offsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    stable: boolean,
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    if (partitions.length === 0) return new Map()
    const places = partitions.map(({ topic, partition }) => ({ topic, partition }))
    return this.#offsets({ groupId, partitions: places }, stable)
  }

  async describe(groupId: string): Promise<GroupDescription> {
    const doing = `describing group ${groupId}`
    await this.#coordinated(groupId)
    const { groups } = await this.#control.call<{ readonly groups: readonly NativeGroup[] }>(
      doing,
      (native, callback) => native.describeGroups([groupId], { timeout: REQUEST_TIMEOUT_MS }, callback),
    )
    const [group] = groups
    if (group?.error) throw brokerErrorFrom(group.error, doing)
    return {
      groupId,
      state: GROUP_STATES[group?.state ?? 0] ?? 'unknown',
      members: (group?.members ?? []).map(({ memberId, clientId, assignment }) => ({
        memberId,
        clientId,
        partitions: (assignment?.topicPartitions ?? []).map(({ topic, partition }) => ({ topic, partition })),
      })),
    }
  }

  async delete(groupId: string): Promise<void> {
    const doing = `deleting group ${groupId}`
    const [report] = await this.#control.call<readonly { readonly error?: NativeGroup['error'] }[]>(
      doing,
      (native, callback) => native.deleteGroups([groupId], { timeout: REQUEST_TIMEOUT_MS }, callback),
    )
    if (report?.error) throw brokerErrorFrom(report.error, doing)
  }

  close(): void {
    // The broker object closes the control client.
  }

  /**
   * Resolves when the group's coordinator answers, and rejects with its error. To be called before a group is
   * described: for a description with an error, the binding reads a null string and ends the process with
   * SIGSEGV (`FromConsumerGroupDescription` in its `src/common.cc`).
   */
  async #coordinated(groupId: string): Promise<void> {
    const limits = { timeoutMs: COORDINATOR_MS_MAX, pauseMs: COORDINATOR_BACKOFF_MS }
    // The request names no topic, since the application may lack the right to see one.
    await untilAnswered(this.#clock, limits, () => this.#offsets({ groupId }, false))
  }

  /** Committed offsets; without `partitions`, of all partitions that the principal may see. */
  async #offsets(
    group: { readonly groupId: string; readonly partitions?: readonly TopicPartition[] },
    stable: boolean,
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    const doing = `reading the committed offsets of group ${group.groupId}`
    const [answer] = await this.#control.call<
      readonly {
        readonly error?: NativePartition['error']
        readonly partitions: readonly NativePartition[]
      }[]
    >(doing, (native, callback) =>
      native.listConsumerGroupOffsets(
        [group],
        { timeout: REQUEST_TIMEOUT_MS, requireStableOffsets: stable },
        callback,
      ),
    )
    if (answer?.error) throw brokerErrorFrom(answer.error, doing)
    return offsetsByKey(answer?.partitions ?? [], doing)
  }
}

function offsetsByKey(
  partitions: readonly NativePartition[],
  doing: string,
): ReadonlyMap<string, OffsetToCommit> {
  const offsets = new Map<string, OffsetToCommit>()
  for (const each of partitions) {
    const key = partitionKey(each.topic, each.partition)
    if (each.error) throw brokerErrorFrom(each.error, `${doing} for ${key}`, [each])
    const { topic, partition, offset, metadata } = each
    // The offset is -1001 where none is committed.
    if (offset === undefined || offset < 0) continue
    offsets.set(key, { topic, partition, offset, ...(metadata ? { metadata } : {}) })
  }
  return offsets
}
