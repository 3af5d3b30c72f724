import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Admin, TopicPartition } from '../../broker/broker.ts'
import { partitionKey } from '../../common/ids.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { changelogsOf, ownSourcesOf } from '../../topology/internal-topics.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import { matchesTopic } from '../../topology/topic-pattern.ts'
import { partitionsOf } from '../options/known-topics.ts'

/** Where the application's inputs begin afterwards. */
export type ResetTo = 'earliest' | 'latest' | { readonly offset: number }

export interface Move extends TopicPartition {
  /** Undefined where nothing is committed. */
  readonly from: number | undefined
  readonly to: number
}

/** What a reset would change, as things are now. */
export interface ResetPlan {
  readonly groupId: string
  /** Whether the brokers know the group. */
  readonly hasGroup: boolean
  readonly moves: readonly Move[]
  /** Repartition and changelog topics that exist. */
  readonly topics: readonly string[]
  readonly stateDirs: readonly string[]
  /** Inputs that do not exist. */
  readonly missing: readonly string[]
  /**
   * Topics named like internal ones of this application, which its topology does not have: of an earlier
   * topology, or another application's.
   */
  readonly others: readonly string[]
}

/** Rejects with `GROUP_NOT_EMPTY` while the application runs. */
export async function planReset(
  { plan, stateDir }: { readonly plan: TopologyPlan; readonly stateDir: string },
  admin: Admin,
  to: ResetTo,
): Promise<ResetPlan> {
  const { applicationId } = plan
  const hasGroup = await checkEmpty(applicationId, admin)
  const existing = await admin.listTopics()
  // Dead letters are no state: whoever begins anew may still want to look at them.
  const emptied = [...plan.repartitionTopics.keys(), ...passingSources(plan)]
  const internal = new Set([...emptied, ...changelogsOf(plan)])
  const inputs = inputTopics(plan, existing, new Set(emptied))
  const described = await admin.describeTopics(inputs)
  const partitions = [...described.values()].flatMap(partitionsOf)
  return {
    groupId: applicationId,
    hasGroup,
    moves: await movesOf(partitions, admin, { groupId: applicationId, hasGroup, to }),
    topics: existing.filter(topic => internal.has(topic)).sort(),
    stateDirs: await stateDirsOf(stateDir, applicationId),
    missing: inputs.filter(topic => !described.has(topic)),
    others: existing
      .filter(topic => !internal.has(topic) && isNamedLikeInternal(topic, applicationId))
      .sort(),
  }
}

async function checkEmpty(groupId: string, admin: Admin): Promise<boolean> {
  const { state, members } = await admin.describeGroup(groupId)
  if (members.length === 0) return state !== 'dead'
  const clients = [...new Set(members.map(({ clientId }) => clientId))].join(', ')
  throw new StreamsError(
    'GROUP_NOT_EMPTY',
    `the application ${groupId} is running: its group has ${members.length} members (${clients}). Stop them first; ` +
      'one that has crashed leaves the group after its sessionTimeoutMs',
  )
}

/** The application's own sources that are for one run: what is to be replayed is among what begins anew. */
function passingSources({ subtopologies }: TopologyPlan): string[] {
  const own = subtopologies.flatMap(subtopology => [...ownSourcesOf(subtopology)])
  return own.flatMap(([topic, { isKept }]) => (isKept ? [] : [topic]))
}

/** Global tables are not among them: they are read from the beginning at every start, and commit nothing. */
function inputTopics(
  { subtopologies }: TopologyPlan,
  existing: readonly string[],
  emptied: ReadonlySet<string>,
): string[] {
  const named = subtopologies.flatMap(({ sourceTopics }) => sourceTopics)
  const patterns = subtopologies.flatMap(({ nodes }) =>
    nodes.flatMap(node => (node.kind === 'source' && node.pattern ? [node.pattern] : [])),
  )
  const matching = existing.filter(topic => patterns.some(pattern => matchesTopic(pattern, topic)))
  return [...new Set([...named, ...matching])].filter(topic => !emptied.has(topic)).sort()
}

/**
 * The rule of Kafka Streams' tool, which deletes by it; but the prefix fits an application `orders` and
 * topics of `orders-eu`.
 */
function isNamedLikeInternal(topic: string, applicationId: string): boolean {
  return topic.startsWith(`${applicationId}-`) && /-(changelog|repartition)$/.test(topic)
}

async function movesOf(
  partitions: readonly TopicPartition[],
  admin: Admin,
  { groupId, hasGroup, to }: { readonly groupId: string; readonly hasGroup: boolean; readonly to: ResetTo },
): Promise<Move[]> {
  if (partitions.length === 0) return []
  const beginnings = await admin.beginningOffsets(partitions)
  const ends = await admin.endOffsets(partitions, 'read_uncommitted')
  const committed = hasGroup ? await admin.groupOffsets(groupId, partitions) : new Map<string, never>()
  return partitions.map(({ topic, partition }) => {
    const key = partitionKey(topic, partition)
    const beginning = beginnings.get(key) ?? 0
    const end = ends.get(key) ?? 0
    const within = typeof to === 'object' ? Math.min(Math.max(to.offset, beginning), end) : undefined
    return {
      topic,
      partition,
      from: committed.get(key)?.offset,
      to: within ?? (to === 'latest' ? end : beginning),
    }
  })
}

/** The application's own, and those of the processes that `run --processes` starts. */
async function stateDirsOf(stateDir: string, applicationId: string): Promise<string[]> {
  const names = await readdir(stateDir).catch(() => [])
  const processes = names.filter(name => /^process-\d+$/.test(name)).map(name => join(stateDir, name))
  const candidates = [stateDir, ...processes.sort()]
  const exists = await Promise.all(candidates.map(each => isDirectory(join(each, applicationId))))
  return candidates.filter((_, at) => exists[at])
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}
