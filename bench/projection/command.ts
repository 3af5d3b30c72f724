import { mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Command } from 'commander'
import {
  KafkaStreams,
  openBroker,
  serdes,
  silentLogger,
  StalenessMonitor,
  StreamsBuilder,
  systemClock,
  type OpenedBroker,
  type TopicMessage,
} from '../../lib/index.ts'
import { project } from '../../topologies/site-apps.ts'
import type { SiteMetadata } from '../../topologies/site-apps/records.ts'
import { topics } from '../../topologies/site-apps/topics.ts'
import { positive } from '../option-values.ts'
import { Stopwatch, type Span } from '../stopwatch.ts'
import { expectedAnswer, shownAnswer } from './answer.ts'
import { SiteChanges } from './sites.ts'

interface Options {
  readonly brokers: string
  readonly sites?: number
  readonly small?: boolean
}

const SITES = 1_000_000
const SMALL_SITES = 2_000
const SAMPLE_MS = 250
const PROGRESS_MS = 10_000

/** Whether a projection of many sites is exact, and what it takes. */
export function projectionCommand(): Command {
  return new Command('projection')
    .description(
      'Projects sites with 10 apps each, then changes, removals and deletions; exit code 1 where the views are wrong.',
    )
    .option('--brokers <brokers>', 'memory, embedded, or host:port,…', 'embedded')
    .option('--sites <n>', 'how many', positive)
    .option('--small', 'a few: does it run?')
    .action(measure)
}

async function measure({ brokers, sites, small = false }: Options): Promise<void> {
  const changes = new SiteChanges(sites ?? (small ? SMALL_SITES : SITES))
  say(
    `${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}, load average ${loadavg()[0]!.toFixed(1)}`,
  )
  const directory = await mkdtemp(join(tmpdir(), 'millrace-projection-'))
  const broker = await openBroker(brokers, { directory: join(directory, 'broker'), logger: silentLogger })
  try {
    await load(broker, changes)
    say(`${whole(changes.total)} changes of ${whole(changes.sites)} sites were loaded`)
    await runAndCompare(broker, changes, join(directory, 'state'))
  } finally {
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function load(broker: OpenedBroker, changes: SiteChanges): Promise<void> {
  const admin = await broker.admin()
  await admin.createTopics(topics)
  await admin.close()
  const metadata = broker.topic<string, SiteMetadata>(topics[0]!.topic, {
    ...{ keySerde: serdes.string(), valueSerde: serdes.json<SiteMetadata>() },
  })
  function* messages(): Generator<TopicMessage<string, SiteMetadata>> {
    for (let at = 0; at < changes.total; at += 1) {
      const { siteId, site } = changes.at(at)
      yield { key: siteId, value: site }
    }
  }
  await metadata.sendAll(messages())
}

async function runAndCompare(broker: OpenedBroker, changes: SiteChanges, stateDir: string): Promise<void> {
  const builder = new StreamsBuilder()
  project(builder)
  const config = { applicationId: 'bench-projection', stateDir, commitIntervalMs: 500 }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  try {
    await streams.start()
    const { span, rssMb } = await untilCaughtUp(streams, broker)
    const { seconds, cpuSeconds } = span
    const rate = whole(Math.round(changes.total / seconds))
    say(
      `projected in ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processor time), ${rate} changes/s, at most ${whole(rssMb)} MB resident`,
    )
    const expected = expectedAnswer(changes)
    const shown = await shownAnswer(streams)
    say(`sites ${shown.sites}, entries ${shown.entries}, counts ${shown.counts}`)
    if (isDeepStrictEqual(shown, expected)) return say('as computed from the changes alone: exact')
    say(`WRONG: expected sites ${expected.sites}, entries ${expected.entries}, counts ${expected.counts}`)
    process.exitCode = 1
  } finally {
    await streams.close()
  }
}

/** Resolves when the index shows all that was loaded. */
async function untilCaughtUp(
  streams: KafkaStreams,
  broker: OpenedBroker,
): Promise<{ readonly span: Span; readonly rssMb: number }> {
  const stopwatch = new Stopwatch()
  let rssMb = 0
  let isDone = false
  const watch = async () => {
    for (let waitedMs = 0; !isDone; waitedMs += SAMPLE_MS) {
      rssMb = Math.max(rssMb, Math.round(process.memoryUsage.rss() / 1e6))
      if (waitedMs % PROGRESS_MS === 0 && waitedMs > 0)
        say(`  ${whole(streams.metrics.total('process-total'))} records`)
      await systemClock.sleep(SAMPLE_MS)
    }
  }
  const watching = watch()
  const options = { storeName: 'installations', broker, logger: silentLogger }
  const monitor = await StalenessMonitor.open(streams, options)
  await monitor.caughtUp({ timeoutMs: Infinity })
  const span = stopwatch.span()
  isDone = true
  await watching
  await monitor[Symbol.asyncDispose]()
  return { span, rssMb }
}

function whole(number: number): string {
  return number.toLocaleString('en')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
