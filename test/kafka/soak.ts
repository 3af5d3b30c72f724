import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import type { Admin, Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics } from '../support/topics.ts'
import { startRealBroker } from './real-broker.ts'
import { AppProcess } from './support/app-process.ts'
import { InputFeed } from './support/input-feed.ts'
import { expectedGroups, seenGroups, tracerInput, tracerOutcome } from './support/tracer-outcome.ts'

const HELP = `node --import tsx test/kafka/soak.ts [OPTIONS]

Three processes of one application, exactly-once, under flowing input; two of them are killed (kill -9) at random moments and
started again, the third lives on and shows its memory. At the end every record must have come out once, in order.

  --seconds N            how long the input flows (default 75)
  --rate N               records a second (default 1000)
  --brokers HOST:PORT    instead of a broker of its own (also: KAFKA_BROKERS)
  --protocol NAME        classic (default) or consumer
  --help                 this text
`

const PARTITIONS = 6
const PAUSE_MS_MAX = 6000
const REPORT_MS = 5000

interface Soak {
  readonly brokers: string
  readonly seconds: number
  readonly rate: number
  readonly groupProtocol: 'classic' | 'consumer'
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      seconds: { type: 'string', default: '75' },
      rate: { type: 'string', default: '1000' },
      brokers: { type: 'string' },
      protocol: { type: 'string', default: 'classic' },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  const given = values.brokers ?? process.env['KAFKA_BROKERS']
  const own = given ? undefined : await startRealBroker()
  const directory = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
  const broker = await openBroker(given ?? own!.brokers, { logger: silentLogger })
  try {
    const groupProtocol = values.protocol === 'consumer' ? 'consumer' : 'classic'
    const soak = {
      brokers: broker.name,
      seconds: Number(values.seconds),
      rate: Number(values.rate),
      groupProtocol,
    }
    if (!(await run(soak as Soak, broker, directory))) process.exitCode = 1
  } finally {
    await broker.close()
    await own?.stop()
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function run(soak: Soak, broker: Broker, directory: string): Promise<boolean> {
  const applicationId = `soak-${process.pid}`
  const prefix = `${applicationId}-`
  await createTopics(broker, {
    [`${prefix}in`]: PARTITIONS,
    [`${prefix}seen`]: PARTITIONS,
    [`${prefix}groups`]: 1,
  })
  const start = (clientId: string) =>
    new AppProcess({
      brokers: soak.brokers,
      topology: 'tracer',
      prefix,
      config: {
        ...{
          applicationId,
          clientId,
          stateDir: join(directory, clientId),
          groupProtocol: soak.groupProtocol,
        },
        ...{
          sessionTimeoutMs: 2000,
          transactionTimeoutMs: 3000,
          commitIntervalMs: 50,
          positionIntervalMs: 1000,
        },
      },
    })
  const elder = start('elder')
  const others = ['left', 'right'].map(start)
  try {
    await elder.running()
    const feed = await InputFeed.start(broker, {
      topic: `${prefix}in`,
      partitionCount: PARTITIONS,
      recordsPerSecond: soak.rate,
      record: tracerInput,
    })
    const kills = await killAtRandom(soak, elder, others, start)
    const records = await feed.stop()
    await allProcessed(broker, applicationId, records)
    for (const app of [elder, ...others]) {
      await app.running()
      await app.close()
    }
    return await judge(broker, prefix, records, kills)
  } finally {
    await Promise.all([elder, ...others].map(app => app.kill()))
  }
}

/** Replaces killed processes in `others`. Returns how many kills there were. */
async function killAtRandom(
  { seconds }: Soak,
  elder: AppProcess,
  others: AppProcess[],
  start: (name: string) => AppProcess,
): Promise<number> {
  const endMs = performance.now() + seconds * 1000
  let kills = 0
  let reportedMs = 0
  for (let nextMs = 0; performance.now() < endMs; await sleep(100)) {
    elder.assertAlive()
    const nowMs = performance.now()
    if (nowMs - reportedMs > REPORT_MS) {
      reportedMs = nowMs
      say(
        `${Math.round((endMs - nowMs) / 1000)} s left, ${kills} kills, elder ${await residentMb(elder.pid)} MB`,
      )
    }
    if (nowMs < nextMs) continue
    nextMs = nowMs + 500 + Math.random() * PAUSE_MS_MAX
    const victim = others[kills % others.length]!
    // One that is still starting may die as well: that is a moment like any other.
    victim.assertAlive()
    await victim.kill()
    others[kills % others.length] = start(victim.name)
    kills += 1
  }
  say(`elder ${await residentMb(elder.pid)} MB at the end of the input`)
  return kills
}

async function allProcessed(broker: Broker, applicationId: string, records: number): Promise<void> {
  const admin: Admin = await broker.admin()
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
    topic: `${applicationId}-in`,
    partition,
  }))
  await eventually(
    async () => {
      const offsets = await admin.groupOffsets(applicationId, partitions)
      return [...offsets.values()].reduce((sum, { offset }) => sum + offset, 0) === records
    },
    { limitMs: 120_000, pauseMs: 100, what: 'the end of the input' },
  )
  await admin.close()
}

async function judge(broker: Broker, prefix: string, records: number, kills: number): Promise<boolean> {
  const outcome = await tracerOutcome(broker, prefix, PARTITIONS)
  const groups = await seenGroups(broker, prefix)
  const sameGroups = isDeepStrictEqual(groups, expectedGroups(records))
  say(
    `${records} records in, ${outcome.records} out, ${kills} kills, ${outcome.troubles.length} out of place`,
  )
  for (const trouble of outcome.troubles.slice(0, 10)) say(`  ${trouble}`)
  if (!sameGroups)
    say(`  groups are ${JSON.stringify(groups)}, not ${JSON.stringify(expectedGroups(records))}`)
  const exact = outcome.records === records && outcome.troubles.length === 0 && sameGroups
  say(exact ? 'exactly once' : 'NOT exactly once')
  return exact
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1000)
}

await main()
