import type { ProcessingGuarantee } from '../../lib/index.ts'
import { KEYS, PARTITIONS } from '../input.ts'
import { firstDifference, isSame, readAnswer, type AnswerKind } from './answers.ts'
import type { Side } from './application.ts'
import { AnswerError, eachSide, type Case, type Figure, type Figures, type Round } from './case.ts'
import { loadTopic, orders, shipments, sites, type InputRecord } from './input.ts'
import { CACHE_BYTES, COMMIT_MS, type CompareName, type ThroughputName } from './names.ts'
import { observe, type Observation, type TopicEnd } from './observe.ts'
import { ratesOf } from './rates.ts'
import type { Stage } from './stage.ts'

interface Workload {
  /** Name of the topology. */
  readonly topology: string
  readonly answer: AnswerKind
  readonly right?: 'sites' | 'shipments'
  readonly cacheBytes?: number
  readonly hasStages?: boolean
  /** Besides its rate. */
  readonly measures?: CompareName
}

const WORKLOADS: { readonly [name in ThroughputName]: Workload } = {
  'pass-through': { topology: 'pass-through', answer: 'records', measures: 'start-up' },
  'json-map': { topology: 'json-map', answer: 'records' },
  count: { topology: 'count', answer: 'table', measures: 'memory' },
  'count-uncached': { topology: 'count', answer: 'table', cacheBytes: 0 },
  'windowed-count': { topology: 'windowed-count', answer: 'table' },
  'stream-table-join': { topology: 'stream-table-join', answer: 'records', right: 'sites' },
  'stream-stream-join': { topology: 'stream-stream-join', answer: 'records', right: 'shipments' },
  'foreign-key-join': { topology: 'foreign-key-join', answer: 'table', right: 'sites', hasStages: true },
}

interface SideRun {
  readonly side: Side
  readonly applicationId: string
  readonly output: string
  readonly observation: Observation
  readonly figures: Figures
}

/** Reads a loaded topic to its end. */
export function throughputCase(name: ThroughputName, guarantee: ProcessingGuarantee, records: number): Case {
  const workload = WORKLOADS[name]
  const { measures } = workload
  const right = workload.right === 'sites' ? siteTopic : workload.right && shipmentTopic
  const inputs = [orderTopic(records), ...(right ? [right(records)] : [])]
  const runOne = (stage: Stage, side: Side) => runSide(stage, side, { name, guarantee, workload, inputs })
  return {
    names: measures ? [name, measures] : [name],
    guarantee,
    records,
    prepare: async stage => {
      for (const input of inputs) await ensureLoaded(stage, input)
    },
    round: async (stage, sides, round: Round) => {
      const runs = await eachSide(sides, round, side => runOne(stage, side))
      await checkAnswers(stage, runs, workload.answer)
      await stage.deleteTopics(
        runs.map(({ output }) => output),
        runs.map(({ applicationId }) => applicationId),
      )
      return runs.map(({ figures }) => figures)
    },
  }
}

interface Input extends TopicEnd {
  readonly record: (startMs: number) => (at: number) => InputRecord
}

const orderTopic = (records: number): Input => ({ topic: `orders-${records}`, records, record: orders })
const shipmentTopic = (records: number): Input => ({
  topic: `shipments-${records}`,
  records,
  record: shipments,
})
const siteTopic = (): Input => ({ topic: 'sites', records: KEYS, record: sites })

/** Each topic once a bench: the runs of all cases and sides read the same. */
async function ensureLoaded(stage: Stage, { topic, records, record }: Input): Promise<void> {
  if ((await stage.admin.describeTopics([topic])).size > 0) return
  stage.say(`loading ${records.toLocaleString('en')} records into ${topic}`)
  await stage.createTopics([topic], PARTITIONS)
  await loadTopic(stage.broker, { topic, partitions: PARTITIONS, records, record: record(stage.startMs) })
}

interface RunOptions {
  readonly name: string
  readonly guarantee: ProcessingGuarantee
  readonly workload: Workload
  readonly inputs: readonly Input[]
}

async function runSide(stage: Stage, side: Side, options: RunOptions): Promise<SideRun> {
  const { name, guarantee, workload, inputs } = options
  const applicationId = stage.unique(`${side.name}-${name}`)
  const output = `output-of-${applicationId}`
  await stage.createTopics([output], PARTITIONS)
  const commitMs = COMMIT_MS[guarantee]
  const application = stage.start(side, {
    workload: workload.topology,
    guarantee,
    applicationId,
    input: inputs[0]!.topic,
    right: inputs[1]?.topic ?? '',
    output,
    commitMs,
    cacheBytes: workload.cacheBytes ?? CACHE_BYTES,
  })
  const { admin } = stage
  const hasStages = workload.hasStages ?? false
  const subject = {
    admin,
    application,
    groupId: applicationId,
    guarantee,
    inputs,
    output,
    hasStages,
  }
  const observation = await observe({ ...subject, partitions: PARTITIONS })
  const peakRssBytes = application.peakRssBytes()
  await stage.end(application, applicationId)
  const values: Figure[] = []
  const { measures } = workload
  if (measures === 'start-up')
    values.push({ name: measures, value: observation.firstOutputMs - application.startedMs })
  if (measures === 'memory' && peakRssBytes !== undefined)
    values.push({ name: measures, value: peakRssBytes / 1e6 })
  const figures = { rates: ratesOf(observation, { hasStages }), values }
  return { side, applicationId, output, observation, figures }
}

async function checkAnswers(stage: Stage, runs: readonly SideRun[], kind: AnswerKind): Promise<void> {
  const [first, ...others] = runs
  const expected = await readAnswer(stage.broker, first!.output, kind)
  for (const other of others) {
    const answer = await readAnswer(stage.broker, other.output, kind)
    if (isSame(expected, answer)) continue
    const difference = await firstDifference(stage.broker, expected, answer)
    throw new AnswerError(`${first!.side.title} and ${other.side.title} do not agree: ${difference}`)
  }
}
