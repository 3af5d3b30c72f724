import type { Admin, TopicPartition } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Engine } from '../../store/engine/engine.ts'
import { WriteBatch } from '../../store/engine/write-batch.ts'
import type { SubtopologyPlan } from '../../topology/plan.ts'
import { clearStore, positionKey, positionWrite, readStoredPosition, readUsedAt } from './task-engines.ts'

export interface GlobalFitOptions {
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
}

/** A sub-topology that fills global stores, and all partitions of its topics. */
export interface GlobalPlan {
  readonly plan: SubtopologyPlan
  readonly partitions: readonly TopicPartition[]
}

interface Topics {
  readonly ids: ReadonlyMap<string, string | undefined>
  readonly beginnings: ReadonlyMap<string, number>
  readonly ends: ReadonlyMap<string, number>
}

const DAY_MS = 86_400_000
const RETENTION = 'delete.retention.ms'

/**
 * Clears global stores on disk that do not belong to their topics as these are now, each with a line that
 * says why. Unlike a changelog the topic of a global store is not its copy but its source: one that is empty
 * now makes an empty table. Returns the topics' ids.
 */
export async function clearUnfitGlobals(
  globals: readonly GlobalPlan[],
  engine: Engine,
  options: GlobalFitOptions,
): Promise<ReadonlyMap<string, string | undefined>> {
  const partitions = globals.flatMap(each => [...each.partitions])
  const names = [...new Set(partitions.map(({ topic }) => topic))]
  const [described, beginnings, ends] = await Promise.all([
    options.admin.describeTopics(names),
    options.admin.beginningOffsets(partitions),
    options.admin.endOffsets(partitions, 'read_uncommitted'),
  ])
  const ids = new Map(names.map(topic => [topic, described.get(topic)?.topicId]))
  for (const global of globals) {
    const why = await misfitOf(global, engine, { ids, beginnings, ends }, options)
    if (why === undefined) {
      await noteIds(global, engine, ids)
      continue
    }
    const stores = global.plan.stores.map(({ builder }) => builder.name).join(', ')
    options.logger.log('warn', `global store ${stores} is removed and rebuilt from its topic: ${why}`)
    const writes = global.partitions.map(({ topic, partition }) => ({
      key: positionKey(partitionKey(topic, partition)),
      value: null,
    }))
    await engine.write(WriteBatch.of(writes))
    for (const store of global.plan.stores) if (store.builder.persistent) await clearStore(engine, store)
  }
  return ids
}

async function misfitOf(
  { partitions }: GlobalPlan,
  engine: Engine,
  { ids, beginnings, ends }: Topics,
  options: GlobalFitOptions,
): Promise<string | undefined> {
  let behind: string | undefined
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition)
    const position = readStoredPosition(engine, key)
    if (!position) continue
    const { offset, topicId } = position
    const [id, beginning, end] = [ids.get(topic), beginnings.get(key) ?? 0, ends.get(key) ?? 0]
    if (topicId !== undefined && id !== undefined && topicId !== id)
      return `${topic} was deleted and made anew`
    if (offset > end) return `${key} ends at offset ${end}, and the state is at ${offset}`
    if (offset < beginning) return `${key} begins at offset ${beginning}, and the state is at ${offset}`
    if (offset < end) behind = topic
  }
  if (behind === undefined || !(await isStale(behind, engine, options))) return undefined
  return `the state lay unused for longer than ${behind} keeps deletions`
}

/**
 * Whether state is older than half of the time that its topic keeps deletions: half, since it lay there for
 * some time before, too. State without a date is of any age.
 */
async function isStale(
  topic: string,
  engine: Engine,
  { admin, clock, logger }: GlobalFitOptions,
): Promise<boolean> {
  const usedAtMs = readUsedAt(engine)
  if (usedAtMs === undefined) return true
  const value = (await admin.topicSettings([topic], [RETENTION])).get(topic)?.get(RETENTION)
  if (value === undefined) {
    logger.log(
      'warn',
      `${RETENTION} of topic ${topic} cannot be read (it takes the right to describe its settings); ${DAY_MS} is assumed`,
    )
  }
  return clock.nowMs() - usedAtMs > Number(value ?? DAY_MS) / 2
}

/** Notes the topics' ids beside positions from before ids were stored. */
async function noteIds(
  { partitions }: GlobalPlan,
  engine: Engine,
  ids: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  const writes = partitions.flatMap(({ topic, partition }) => {
    const key = partitionKey(topic, partition)
    const position = readStoredPosition(engine, key)
    const id = ids.get(topic)
    return position && position.topicId === undefined && id !== undefined
      ? [positionWrite(key, position.offset, id)]
      : []
  })
  if (writes.length > 0) await engine.write(WriteBatch.of(writes))
}
