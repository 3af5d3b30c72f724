import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { eachRecord } from '../output.ts'
import { PARTITIONS } from '../input.ts'
import type { Application, Side } from './application.ts'
import { AnswerError, eachSide, type Case, type Figures } from './case.ts'
import { loadTopic, type RawInput } from './input.ts'
import { COMMIT_MS } from './names.ts'
import { partitionsOf, untilAssigned } from './observe.ts'
import type { Stage } from './stage.ts'

const PAUSE_MS = 10
const RESTORE_MS_MAX = 300_000
const GUARANTEE = 'at-least-once'

/**
 * One application a side, which loses its state directory before each start: its changelog is written once.
 */
interface Subject {
  readonly side: Side
  readonly applicationId: string
  readonly input: string
  readonly output: string
}

/**
 * Restores the store of the count from its changelog. The topology then counts one waiting record for each
 * partition; it cannot before its store is back, so their outputs, seen from outside, are the end of the
 * restore. The assignment of the partitions is its beginning.
 */
export function restoreCase(records: number): Case {
  const subjects = new Map<Side, Subject>()
  return {
    names: ['restore'],
    guarantee: null,
    records,
    prepare: async (stage, sides) => {
      for (const side of sides) subjects.set(side, await prepareSubject(stage, side, records))
    },
    round: async (stage, sides, round) =>
      eachSide(sides, round, side => restoreOnce(stage, subjects.get(side)!, records, round.number)),
  }
}

async function prepareSubject(stage: Stage, side: Side, records: number): Promise<Subject> {
  const applicationId = stage.unique(`${side.name}-restore`)
  const [input, output] = [`input-of-${applicationId}`, `output-of-${applicationId}`]
  await stage.createTopics([input, output], PARTITIONS)
  const changelog = `${applicationId}-counts-changelog`
  await stage.admin.createTopics([
    { topic: changelog, partitionCount: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
  ])
  stage.say(`loading ${records.toLocaleString('en')} records into ${changelog}`)
  const record = (at: number) => changelogRecord(at, stage.startMs)
  await loadTopic(stage.broker, { topic: changelog, partitions: PARTITIONS, records, record })
  return { side, applicationId, input, output }
}

const restoreKey = (at: number) => `key-${String(at).padStart(10, '0')}`
const countOf = (at: number) => at + 1

/** As both sides write it: the count; the row's timestamp is that of the record. */
function changelogRecord(at: number, timestamp: number): RawInput {
  const value = Buffer.alloc(8)
  value.writeBigInt64BE(BigInt(countOf(at)))
  return { key: restoreKey(at), value, timestamp }
}

async function restoreOnce(stage: Stage, subject: Subject, records: number, round: number): Promise<Figures> {
  const { side, applicationId, input, output } = subject
  const asked = keysOfRound(records, round)
  await loadTopic(stage.broker, {
    topic: input,
    partitions: PARTITIONS,
    records: asked.length,
    record: index => ({ key: restoreKey(asked[index]!), value: 'one more', timestamp: stage.startMs }),
  })
  const before = await stage.admin.endOffsets(partitionsOf(output, PARTITIONS), 'read_committed')
  const topics = { workload: 'count', input, right: '', output }
  const settings = { guarantee: GUARANTEE, commitMs: COMMIT_MS[GUARANTEE], cacheBytes: 0 } as const
  const application = stage.start(side, { ...topics, ...settings, applicationId })
  const assignedMs = await untilAssigned({ admin: stage.admin, application, groupId: applicationId })
  const restoredMs = await untilGrown(stage, application, output, before)
  await stage.end(application, applicationId)
  await checkCounts(stage, subject, asked)
  const seconds = (restoredMs - assignedMs) / 1000
  return { values: [{ name: 'restore', value: records / seconds }] }
}

/** A key of every partition, other ones each round. */
function keysOfRound(records: number, round: number): number[] {
  const keys = new Map<number, number>()
  const seen = new Map<number, number>()
  for (let at = 0; at < records && keys.size < PARTITIONS; at += 1) {
    const partition = partitionForKey(Buffer.from(restoreKey(at)), PARTITIONS)
    const nth = seen.get(partition) ?? 0
    seen.set(partition, nth + 1)
    if (nth === round) keys.set(partition, at)
  }
  return [...keys.values()]
}

/** The moment at which every partition of the output has got longer. */
async function untilGrown(
  { admin }: Stage,
  application: Application,
  output: string,
  before: ReadonlyMap<string, number>,
): Promise<number> {
  const deadline = performance.now() + RESTORE_MS_MAX
  while (performance.now() < deadline) {
    application.assertAlive()
    const ends = await admin.endOffsets(partitionsOf(output, PARTITIONS), 'read_committed')
    if ([...ends].every(([partition, end]) => end > before.get(partition)!)) return performance.now()
    await sleep(PAUSE_MS)
  }
  throw new Error(`nothing has come out ${RESTORE_MS_MAX / 1000} s after the start of a restore`)
}

/** The records found what the changelog holds. */
async function checkCounts(stage: Stage, { side, output }: Subject, asked: readonly number[]): Promise<void> {
  const counts = new Map<string, bigint>()
  await eachRecord(stage.broker, output, ({ key, value }) => {
    counts.set(Buffer.from(key!).toString(), Buffer.from(value!).readBigInt64BE())
  })
  for (const at of asked) {
    const [key, expected] = [restoreKey(at), BigInt(countOf(at) + 1)]
    const count = counts.get(key)
    if (count !== expected)
      throw new AnswerError(`${side.title} restored ${key} wrongly: it counts ${count}, expected ${expected}`)
  }
}
