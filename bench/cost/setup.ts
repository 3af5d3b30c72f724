import { Buffer } from 'node:buffer'
import type { ProcessingGuarantee } from '../../lib/index.ts'
import type { Side } from '../compare/application.ts'
import { loadTopic, scattered, type RawInput } from '../compare/input.ts'
import { CACHE_BYTES, COMMIT_MS } from '../compare/names.ts'
import { observe } from '../compare/observe.ts'
import { ratesOf } from '../compare/rates.ts'
import type { Stage } from '../compare/stage.ts'

/** One point of a sweep: a topology and its input. */
export interface Setup {
  readonly workload: 'pass-through' | 'count' | 'latest'
  readonly records: number
  readonly keys: number
  readonly valueBytes: number
  readonly partitions: number
  readonly side: Side
  /** The first so many records fill the state; the rate is that of the others. */
  readonly filling?: number
}

export interface CostPoint {
  readonly value: number
  readonly recordsPerSecond: number
  readonly megabytesPerSecond: number
  readonly peakRssMb: number
  readonly records: number
}

const KEY_BYTES = 12

/**
 * Runs one point on topics of its own, which are gone afterwards: a sweep over large values would fill the
 * disk otherwise.
 */
export async function measurePoint(
  stage: Stage,
  value: number,
  setup: Setup,
  guarantee: ProcessingGuarantee,
): Promise<CostPoint> {
  const { workload, records, valueBytes, partitions, side } = setup
  const applicationId = stage.unique('cost')
  const [input, output] = [`input-of-${applicationId}`, `output-of-${applicationId}`]
  await stage.createTopics([input, output], partitions)
  stage.say(`loading ${records.toLocaleString('en')} records`)
  await loadTopic(stage.broker, {
    topic: input,
    partitions,
    records,
    record: recordsFor(setup, stage.startMs),
  })
  const commitMs = COMMIT_MS[guarantee]
  const settings = { guarantee, commitMs, cacheBytes: CACHE_BYTES }
  const application = stage.start(side, { workload, applicationId, input, right: '', output, ...settings })
  const { admin } = stage
  const inputs = [{ topic: input, records }]
  const subject = {
    admin,
    application,
    groupId: applicationId,
    guarantee,
    inputs,
    output,
    partitions,
  }
  const observation = await observe({ ...subject, hasStages: false })
  const peakRssMb = (application.peakRssBytes() ?? 0) / 1e6
  await stage.end(application, applicationId)
  await stage.deleteTopics([input, output], [applicationId])
  const { whole, steady } = ratesOf(afterFilling(observation, setup), { hasStages: false })
  const recordsPerSecond = steady ?? whole
  const megabytesPerSecond = (recordsPerSecond * (valueBytes + KEY_BYTES)) / 1e6
  return { value, recordsPerSecond, megabytesPerSecond, peakRssMb, records }
}

/** What came after the last commit of the filling, as if the run had begun there. */
function afterFilling(
  observation: Awaited<ReturnType<typeof observe>>,
  { filling = 0, records }: Setup,
): Awaited<ReturnType<typeof observe>> {
  const start = observation.commits.filter(commit => commit.records <= filling).at(-1)
  if (filling === 0 || start === undefined) return observation
  const commits = observation.commits
    .filter(commit => commit.records > start.records)
    .map(commit => ({ atMs: commit.atMs, records: commit.records - start.records }))
  return commits.length > 0 && start.records < records
    ? { ...observation, assignedMs: start.atMs, commits }
    : observation
}

function recordsFor({ keys, valueBytes, filling = 0 }: Setup, startMs: number): (at: number) => RawInput {
  return at => {
    // Filling visits every key once, in an order that is scattered all the same: the stride is prime.
    const number = at < filling ? (at * 7919) % keys : scattered(at, keys)
    const value = Buffer.alloc(valueBytes, 'x')
    value.write(String(at), 'latin1')
    return { key: `key-${String(number).padStart(8, '0')}`, value, timestamp: startMs + Math.floor(at / 10) }
  }
}
