import type { Clock } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import { partitionKey } from '../../../../common/ids.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { GroupDescription, OffsetToCommit, TopicPartition } from '../../../broker.ts'
import { readFindCoordinator, writeFindCoordinator } from '../connection/find-coordinator.ts'
import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'
import type { Cluster } from '../connection/cluster.ts'
import { openConnection, type ConnectOptions, type OpenConnection } from '../connection/open-connection.ts'
import {
  type Api,
  commonVersion,
  CONSUMER_GROUP_DESCRIBE,
  DELETE_GROUPS,
  DESCRIBE_GROUPS,
  FIND_COORDINATOR,
  OFFSET_FETCH,
} from '../../protocol/protocol.ts'
import { protocolError } from '../../protocol/protocol-error.ts'
import { SharedConnection } from '../connection/shared-connection.ts'
import { untilAnswered, type GroupQueries } from './group-queries.ts'
import {
  readConsumerGroupDescribe,
  readDeleteGroups,
  readDescribeGroups,
  readOffsetFetch,
  writeDeleteGroup,
  writeDescribeGroup,
  writeOffsetFetch,
  type DescribedGroup,
} from './group-requests.ts'

/** The requests that a broker has to know for the direct path to groups. */
export const GROUP_APIS: readonly Api[] = [FIND_COORDINATOR, OFFSET_FETCH, DESCRIBE_GROUPS, DELETE_GROUPS]

const COORDINATOR_MS_MAX = 60_000
const COORDINATOR_BACKOFF_MS = 100
const COORDINATOR_MOVED: ReadonlySet<number> = new Set([14, 15, 16])
/** The error code for a group that does not exist, or is not of the consumer protocol (KIP-848). */
const GROUP_ID_NOT_FOUND = 69

const STATES: { readonly [state: string]: GroupDescription['state'] } = {
  Empty: 'empty',
  PreparingRebalance: 'rebalancing',
  CompletingRebalance: 'rebalancing',
  Assigning: 'rebalancing',
  Reconciling: 'rebalancing',
  Stable: 'stable',
  Dead: 'dead',
}

export interface DirectGroupsOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly connect: ConnectOptions
}

/** Group queries of the direct path: one connection to the coordinator of each group that was asked about. */
export class DirectGroups implements GroupQueries {
  readonly #options: DirectGroupsOptions
  readonly #coordinators = new Map<string, SharedConnection>()

  constructor(options: DirectGroupsOptions) {
    this.#options = options
  }

  async offsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    stable: boolean,
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    if (partitions.length === 0) return new Map()
    const doing = `reading the committed offsets of group ${groupId}`
    const { errorCode, offsets } = await this.#ask(groupId, {
      api: OFFSET_FETCH,
      doing,
      write: writer => writeOffsetFetch(writer, groupId, partitions, stable),
      read: readOffsetFetch,
    })
    this.#check(groupId, errorCode, doing)
    const found = new Map<string, OffsetToCommit>()
    for (const { errorCode: code, ...offset } of offsets) {
      const key = partitionKey(offset.topic, offset.partition)
      this.#check(groupId, code, `${doing} for ${key}`, [offset])
      if (offset.offset >= 0) found.set(key, offset)
    }
    return found
  }

  /** Describes a group; waits for its coordinator, which on a new cluster takes seconds. */
  describe(groupId: string): Promise<GroupDescription> {
    const limits = { timeoutMs: COORDINATOR_MS_MAX, pauseMs: COORDINATOR_BACKOFF_MS }
    return untilAnswered(this.#options.clock, limits, () => this.#describe(groupId))
  }

  async delete(groupId: string): Promise<void> {
    const doing = `deleting group ${groupId}`
    const errorCode = await this.#ask(groupId, {
      api: DELETE_GROUPS,
      doing,
      write: writer => writeDeleteGroup(writer, groupId),
      read: readDeleteGroups,
    })
    this.#check(groupId, errorCode, doing)
  }

  close(): void {
    for (const connection of this.#coordinators.values()) connection.close()
  }

  async #describe(groupId: string): Promise<GroupDescription> {
    const doing = `describing group ${groupId}`
    const write = (writer: ByteWriter) => writeDescribeGroup(writer, groupId)
    const question = { api: DESCRIBE_GROUPS, doing, write, read: readDescribeGroups }
    const classic = await this.#ask(groupId, question)
    this.#check(groupId, classic?.errorCode ?? 0, doing)
    const isClassic = classic !== undefined && classic.state !== 'Dead'
    const group = isClassic ? classic : await this.#describeConsumerGroup(groupId, doing)
    const { state = 'Dead', members = [] } = group ?? {}
    return { groupId, state: STATES[state] ?? 'unknown', members }
  }

  /** Undefined where the group is not of the consumer protocol, or the broker does not know that protocol. */
  async #describeConsumerGroup(groupId: string, doing: string): Promise<DescribedGroup | undefined> {
    const { versions } = await this.#coordinatorOf(groupId).get()
    if (!versions.has(CONSUMER_GROUP_DESCRIBE.key)) return undefined
    const write = (writer: ByteWriter) => writeDescribeGroup(writer, groupId)
    const question = { api: CONSUMER_GROUP_DESCRIBE, doing, write, read: readConsumerGroupDescribe }
    const group = await this.#ask(groupId, question)
    if (!group || group.errorCode === GROUP_ID_NOT_FOUND) return undefined
    this.#check(groupId, group.errorCode, doing)
    return group
  }

  async #ask<T>(
    groupId: string,
    question: {
      readonly api: Api
      readonly doing: string
      readonly write: (writer: ByteWriter) => void
      readonly read: (reader: ByteReader) => T
    },
  ): Promise<T> {
    const { api, doing, write, read } = question
    const shared = this.#coordinatorOf(groupId)
    try {
      const { connection, versions } = await shared.get()
      const version = commonVersion(api, versions, connection.address)
      const { controlTimeoutMs } = this.#options.connect.settings
      return read(await connection.request(api, version, controlTimeoutMs, write))
    } catch (reason) {
      shared.drop()
      if (reason instanceof BrokerError) throw reason
      const cause = errorFrom(reason)
      throw new BrokerError('BROKER_UNREACHABLE', 'retriable', `${cause.message} while ${doing}`, { cause })
    }
  }

  #check(groupId: string, errorCode: number, doing: string, places: readonly TopicPartition[] = []): void {
    if (errorCode === 0) return
    if (COORDINATOR_MOVED.has(errorCode)) this.#coordinatorOf(groupId).drop()
    throw protocolError(errorCode, doing, places)
  }

  #coordinatorOf(groupId: string): SharedConnection {
    let connection = this.#coordinators.get(groupId)
    if (!connection) {
      connection = new SharedConnection(this.#options.clock, () => this.#connect(groupId))
      this.#coordinators.set(groupId, connection)
    }
    return connection
  }

  async #connect(groupId: string): Promise<OpenConnection> {
    const { cluster, connect } = this.#options
    const { errorCode, message, address } = await cluster.ask(
      FIND_COORDINATOR,
      writer => writeFindCoordinator(writer, groupId, 'group'),
      readFindCoordinator,
    )
    const doing = `looking for the coordinator of group ${groupId}`
    if (errorCode !== 0) throw protocolError(errorCode, doing, [], message ?? undefined)
    return openConnection(address, connect)
  }
}
