import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { AppProcess } from '../kafka/support/app-process.ts'
import { eventually } from '../support/eventually.ts'
import {
  GATHER_STORES,
  gatherInput,
  PATIENCE_MS,
  uncommitted,
  wrongEvents,
  type ExpectedImport,
} from '../support/gather-subject.ts'
import { withBroker } from '../support/run-child.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { createTopics, produce, readAll, type Pair } from '../support/topics.ts'
import type { GatherCrashRun } from '../streams/gather-crash-child.ts'

export interface GatherChaosOptions {
  readonly directory: string
  readonly imports: number
  readonly jobsMax: number
  readonly kills: number
  readonly seed: number
  readonly say: (line: string) => void
}

export interface GatherChaosOutcome {
  readonly results: number
  readonly kills: number
  /** Differences from what the imports are; empty: all is right. */
  readonly wrong: readonly string[]
}

const CHILD = fileURLToPath(new URL('../streams/gather-crash-child.ts', import.meta.url))
const PARTITIONS = 6
const IMPORTERS = 4
const AGGREGATORS = 3
/** Beyond a start and several commits. */
const LIFE_MS_MAX = 6_000
const LIMIT_MS = 10_800_000

/** One process over the durable embedded broker, killed at random moments; then time is set forward. */
export async function gatherOnEmbedded(options: GatherChaosOptions): Promise<GatherChaosOutcome> {
  const { directory, kills, say } = options
  const random = new SeededRandom(options.seed + 1)
  const { expected, pairs } = gatherInput(options)
  let results = 0
  await withBroker(directory, async broker => {
    await createTopics(broker, { results: PARTITIONS, events: PARTITIONS })
    await produce(
      broker,
      'results',
      PARTITIONS,
      counted(pairs(), () => (results += 1)),
    )
  })
  say(`${results} results of ${options.imports} imports are written`)
  const base: GatherCrashRun = { directory, aheadMs: 0, limitMs: LIMIT_MS }
  let killed = 0
  for (let kill = 1; kill <= kills; kill += 1) {
    const child = startRun(base)
    const ended = once(child, 'close')
    const lived = await Promise.race([ended, sleep(1_000 + random.below(LIFE_MS_MAX))])
    if (lived !== undefined) break
    child.kill('SIGKILL')
    await ended
    say(`kill ${kill} of ${kills}`)
    killed = kill
  }
  for (const aheadMs of [0, 1.5 * PATIENCE_MS, 2.75 * PATIENCE_MS]) {
    const [code] = (await once(
      startRun({ ...base, aheadMs, toLastTimer: aheadMs > 2 * PATIENCE_MS }),
      'close',
    )) as [number | null]
    if (code !== 0) return { results, kills: killed, wrong: [`the run at +${aheadMs} ms ended by ${code}`] }
    say(`all is committed at +${aheadMs / 60_000} min`)
  }
  const wrong = await withBroker(directory, async broker => {
    return [...(await wrongEvents(broker, expected)), ...(await entriesLeft(broker, 'subject'))]
  })
  return { results, kills: killed, wrong }
}

function startRun(run: GatherCrashRun): ChildProcess {
  const args = ['--import', 'tsx', CHILD, JSON.stringify(run)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Four importers write while three processes gather, of which one is killed again and again. */
export async function gatherOnKafka(
  brokers: string,
  options: GatherChaosOptions,
): Promise<GatherChaosOutcome> {
  const { directory, kills, say } = options
  const applicationId = `gather-${process.pid}-${options.seed}`
  const prefix = `${applicationId}-`
  const random = new SeededRandom(options.seed + 1)
  const broker = await openBroker(brokers, { logger: silentLogger })
  const admin = await broker.admin()
  const start = (name: string, aheadMs = 0) => {
    const times = { sessionTimeoutMs: 2_000, transactionTimeoutMs: 3_000, commitIntervalMs: 50 }
    const config = { applicationId, clientId: name, stateDir: join(directory, name), ...times }
    return new AppProcess({ brokers, topology: 'gather', prefix, config, aheadMs })
  }
  const names = Array.from({ length: AGGREGATORS }, (_, at) => `aggregator-${at}`)
  let apps: AppProcess[] = []
  try {
    await createTopics(broker, { [`${prefix}results`]: PARTITIONS, [`${prefix}events`]: PARTITIONS })
    apps = names.map(name => start(name))
    const inputs = Array.from({ length: IMPORTERS }, (_, at) => importer(broker, prefix, at, options))
    let hasWritten = false
    const written = Promise.all(inputs).finally(() => (hasWritten = true))
    let killed = 0
    while (killed < kills) {
      await sleep(500 + random.below(LIFE_MS_MAX))
      const at = random.below(AGGREGATORS)
      await apps[at]!.kill()
      apps[at] = start(names[at]!)
      killed += 1
      say(`kill ${killed} of ${kills}, of ${names[at]}${hasWritten ? '' : ', while results are written'}`)
    }
    const parts = await written
    const expected = new Map(parts.flatMap(part => [...part.expected]))
    const topics = [`${prefix}results`, `${applicationId}-imports-repartition`]
    const committed = () =>
      eventually(
        async () => {
          for (const app of apps) app.assertAlive()
          return (await uncommitted(broker, admin, applicationId, topics)) === 0
        },
        { limitMs: LIMIT_MS, pauseMs: 200, what: 'all results committed' },
      )
    await committed()
    const results = parts.reduce((sum, part) => sum + part.results, 0)
    const wrong = await atLast()
    return { results, kills: killed, wrong }

    /** Deadlines pass, and then the time for which ended imports are remembered. */
    async function atLast(): Promise<string[]> {
      for (const aheadMs of [1.5 * PATIENCE_MS, 2.75 * PATIENCE_MS]) {
        for (const app of apps) await app.running()
        for (const app of apps) await app.close()
        apps = names.map(name => start(name, aheadMs))
        await eventually(async () => (await entriesLeftOrWrong(aheadMs)).length === 0, {
          limitMs: 120_000,
          pauseMs: 500,
          what: `what is to happen by +${aheadMs / 60_000} min`,
        }).catch(() => say(`+${aheadMs / 60_000} min: not all has happened`))
        say(`time is at +${aheadMs / 60_000} min`)
      }
      return [...(await wrongEvents(broker, expected, prefix)), ...(await entriesLeft(broker, applicationId))]
    }

    function entriesLeftOrWrong(aheadMs: number): Promise<string[]> {
      if (aheadMs > 2 * PATIENCE_MS) return entriesLeft(broker, applicationId)
      return wrongEvents(broker, expected, prefix)
    }
  } finally {
    for (const app of apps) await app.kill()
    await admin.close()
    await broker.close()
  }
}

interface Imported {
  readonly expected: ReadonlyMap<string, ExpectedImport>
  readonly results: number
}

/** Writes a share of the imports, under ids of its own. */
async function importer(
  broker: Broker,
  prefix: string,
  at: number,
  { imports, jobsMax, seed }: GatherChaosOptions,
): Promise<Imported> {
  const share = Math.floor(imports / IMPORTERS) + (at < imports % IMPORTERS ? 1 : 0)
  const idPrefix = `importer-${at}-`
  const { expected, pairs } = gatherInput({ imports: share, jobsMax, seed: seed * 10 + at, idPrefix })
  let results = 0
  await produce(
    broker,
    `${prefix}results`,
    PARTITIONS,
    counted(pairs(), () => (results += 1)),
  )
  return { expected, results }
}

function* counted(pairs: Iterable<Pair>, count: () => void): Generator<Pair> {
  for (const pair of pairs) {
    count()
    yield pair
  }
}

/** Keys of the changelogs whose last record is no tombstone. */
async function entriesLeft(broker: Broker, applicationId: string): Promise<string[]> {
  const left: string[] = []
  for (const store of GATHER_STORES) {
    const last = new Map<string, boolean>()
    for (const { key, value } of await readAll(broker, `${applicationId}-${store}-changelog`))
      last.set(Buffer.from(key!).toString('base64'), value !== null)
    for (const [key, isEntry] of last) if (isEntry) left.push(`${store} still has ${key}`)
  }
  return left
}
