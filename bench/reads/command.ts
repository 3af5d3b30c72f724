import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { serveHttp } from '../../lib/http.ts'
import {
  KafkaStreams,
  openBroker,
  serdes,
  silentLogger,
  StalenessMonitor,
  systemClock,
  type OpenedBroker,
} from '../../lib/index.ts'
import siteApps from '../../topologies/site-apps.ts'
import type { SiteMetadata } from '../../topologies/site-apps/records.ts'
import { TOPICS, topics, VIEWS } from '../../topologies/site-apps/topics.ts'
import { positive } from '../option-values.ts'
import { idOf, SiteChanges } from '../projection/sites.ts'
import { Stopwatch } from '../stopwatch.ts'
import { runLoad, type Load } from './clients.ts'

const run = promisify(execFile)

interface Options {
  readonly sites: number
  readonly rate: number
  readonly updates: number
  readonly seconds: number
  readonly connections: number
  readonly small?: boolean
  readonly port?: number
}

const UPDATE_MS = 20
const SAMPLE_MS = 100
const CATCH_UP_MS = 600_000

/** What readers over HTTP get while a projection goes on in the same process. */
export function readsCommand(): Command {
  return new Command('reads')
    .description('Reads a projection over HTTP at a steady rate, beside updates in the same process.')
    .option('--rate <n>', 'requests a second', positive, 17_000)
    .option('--updates <n>', 'changes of sites a second', positive, 1_050)
    .option('--seconds <n>', 'how long', positive, 60)
    .option('--sites <n>', 'that there are', positive, 20_000)
    .option('--connections <n>', 'that are kept alive', positive, 64)
    .option('--small', 'little of all: does it run?')
    .option('--port <port>', 'the clients of a measurement, in a process of their own', positive)
    .action(measure)
}

async function measure(options: Options): Promise<void> {
  const { port, sites } = options
  if (port !== undefined) {
    const pathOf = () => `/stores/${VIEWS.sites}/${idOf(Math.floor(Math.random() * sites))}`
    process.stdout.write(JSON.stringify(await runLoad({ ...options, port, pathOf })))
    return
  }
  const small = { ...options, rate: 500, updates: 100, seconds: 1, sites: 200, connections: 8 }
  say(
    `${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}, load average ${loadavg()[0]!.toFixed(1)}`,
  )
  await serveAndRead(options.small ? small : options)
}

async function serveAndRead(options: Options): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-reads-'))
  const broker = await openBroker('memory', { logger: silentLogger })
  const config = { applicationId: 'bench-reads', stateDir: directory }
  const streams = new KafkaStreams(siteApps, config, { broker, logger: silentLogger })
  try {
    const admin = await broker.admin()
    await admin.createTopics(topics)
    await admin.close()
    await streams.start()
    const storeName = VIEWS.sites
    await using staleness = await StalenessMonitor.open(streams, { storeName, broker, logger: silentLogger })
    const owner = new Owner(broker, options)
    await owner.publishAll()
    await staleness.caughtUp({ timeoutMs: CATCH_UP_MS })
    say(`${whole(options.sites)} sites were projected`)
    await using server = await serveHttp(streams, { port: 0, stores: { [storeName]: { staleness } } })
    const stop = new AbortController()
    const writing = owner.update(stop.signal)
    const sampling = sampleStaleness(staleness, stop.signal)
    const stopwatch = new Stopwatch()
    const load = await inProcess(server.port, options)
    const { cpuSeconds, seconds } = stopwatch.span()
    stop.abort()
    const updates = (await writing) / seconds
    tell(load, options, { updates, staleMs: await sampling, cpuShare: cpuSeconds / seconds })
  } finally {
    await streams.close()
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Publishes all sites once, then changes of them. None is deleted, so that every read finds one. */
class Owner {
  readonly #changes: SiteChanges
  readonly #perSecond: number
  readonly #metadata

  constructor(broker: OpenedBroker, { sites, updates }: Options) {
    this.#changes = new SiteChanges(sites)
    this.#perSecond = updates
    this.#metadata = broker.topic<string, SiteMetadata>(TOPICS.metadata, {
      ...{ keySerde: serdes.string(), valueSerde: serdes.json<SiteMetadata>() },
    })
  }

  async publishAll(): Promise<void> {
    const { sites } = this.#changes
    await this.#metadata.sendAll(Array.from({ length: sites }, (_, site) => this.#message(site)))
  }

  /** Resolves with how many changes were acknowledged until the signal. */
  async update(signal: AbortSignal): Promise<number> {
    const startMs = performance.now()
    const { sites } = this.#changes
    let sent = 0
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - startMs) * this.#perSecond) / 1000)
      const from = sites + sent
      sent += await this.#metadata.sendAll(
        Array.from({ length: due - sent }, (_, at) => this.#message(from + at)),
      )
      await systemClock.sleep(UPDATE_MS, signal)
    }
    return sent
  }

  #message(change: number): { readonly key: string; readonly value: SiteMetadata } {
    const { siteId, site } = this.#changes.at(change)
    const empty = { siteId, name: 'gone', owner: 'o', revision: String(change), apps: [] }
    return { key: siteId, value: site ?? empty }
  }
}

async function sampleStaleness(monitor: StalenessMonitor, signal: AbortSignal): Promise<readonly number[]> {
  const samples: number[] = []
  while (!signal.aborted) {
    samples.push(monitor.now.staleMs ?? Infinity)
    await systemClock.sleep(SAMPLE_MS, signal)
  }
  return samples.sort((left, right) => left - right)
}

async function inProcess(port: number, { rate, seconds, sites, connections }: Options): Promise<Load> {
  const values = { port, rate, seconds, sites, connections }
  const flags = Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { stdout } = await run(process.execPath, [
    ...process.execArgv,
    process.argv[1] ?? '',
    'reads',
    ...flags,
  ])
  return JSON.parse(stdout) as Load
}

interface Beside {
  readonly updates: number
  /** Samples, the smallest first. */
  readonly staleMs: readonly number[]
  readonly cpuShare: number
}

function tell(
  load: Load,
  { rate, updates: updatesAsked, small = false }: Options,
  { updates, staleMs, cpuShare }: Beside,
): void {
  const { requests, seconds, failed, p50Ms, p99Ms, p999Ms, maxMs } = load
  const perSecond = requests / seconds
  const at = (share: number) => Math.round(staleMs[Math.floor((staleMs.length - 1) * share)]!)
  say(
    `${whole(requests)} requests in ${seconds.toFixed(1)} s, ${whole(Math.round(perSecond * 60))} a minute, ${failed} failed`,
  )
  say(
    `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, p99.9 ${p999Ms.toFixed(2)} ms, longest ${maxMs.toFixed(1)} ms`,
  )
  say(
    `${whole(Math.round(updates))} updates/s; staleness p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms; ${Math.round(cpuShare * 100)} % of a core`,
  )
  // A few requests say nothing about speed.
  const isFast = small || (perSecond >= rate * 0.98 && updates >= updatesAsked * 0.95)
  if (failed === 0 && isFast) return
  say(`TOO SLOW, or wrong: ${whole(rate)} requests/s and ${whole(updatesAsked)} updates/s were asked for`)
  process.exitCode = 1
}

function whole(number: number): string {
  return number.toLocaleString('en')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
