import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { readAll, textOf } from '../support/topics.ts'
import { ApplicationProcess } from './application-process.ts'
import { seeded } from '../support/seeded.ts'
import { until } from './import-chaos.ts'
import {
  expectedViews,
  nextCountry,
  nextSite,
  packageCountries,
  type Country,
  type Site,
} from './views-model.ts'

export interface ViewsChaosOptions {
  /** `embedded`, or the addresses of a cluster that has none of the applications' topics yet. */
  readonly brokers: string
  readonly directory: string
  /** Four of five change a site, the others a country. */
  readonly updates: number
  readonly kills: number
  readonly seed: number
  readonly limitMs: number
  readonly say: (line: string) => void
}

export interface ViewsChaosOutcome {
  readonly kills: number
  readonly seconds: number
  /** Reads right after an acknowledged write of a country, by the process that took it. */
  readonly readsOfOwnWrites: number
  readonly entries: { readonly siteApps: number; readonly appSites: number; readonly timeZones: number }
  /** Differences from the independent computation; empty: all is right. */
  readonly wrong: readonly string[]
}

/**
 * Each changes keys of its own, one change after the other: so the last acknowledged value of a key is known.
 */
const LANES = 16
const SITES = 500
const CODES = [
  'CH',
  'DE',
  'FR',
  'US',
  'SS',
  ...Array.from({ length: 26 }, (_, at) => `X${String.fromCharCode(65 + at)}`),
]

interface Run {
  readonly process: ApplicationProcess
  readonly siteUrl: string
  readonly countryUrl: string
  readonly sites: Map<string, Site | null>
  readonly countries: Map<string, Country | null>
  readonly wrong: string[]
  done: number
  readsOfOwnWrites: number
}

/**
 * Changes sites and countries over HTTP while the process that serves both topologies is killed with SIGKILL
 * at random moments and started again, then compares every view, as it is served and as it lies in its topic,
 * with a computation of its own.
 */
export async function runViewsChaos(options: ViewsChaosOptions): Promise<ViewsChaosOutcome> {
  const run = await start(options)
  try {
    const startMs = performance.now()
    const lanes = Array.from({ length: LANES }, (_, lane) => runLane(run, lane, options))
    const [kills] = await Promise.all([disturb(run, options), ...lanes])
    const seconds = (performance.now() - startMs) / 1000
    options.say(`${run.done} updates in ${seconds.toFixed(1)} s, ${kills} kills`)
    const expected = expectedViews(run.sites, run.countries)
    await compareServed(run, expected, options)
    if ((await run.process.stop()) !== 0) run.wrong.push(`the end was not clean: ${run.process.errors}`)
    await compareTopics(run, expected, options)
    const entries = {
      siteApps: expected.siteApps.size,
      appSites: expected.appSites.size,
      timeZones: expected.timeZones.size,
    }
    const { readsOfOwnWrites } = run
    return { kills: kills as number, seconds, readsOfOwnWrites, entries, wrong: run.wrong.slice(0, 20) }
  } catch (error) {
    options.say(run.process.errors)
    throw error
  } finally {
    await run.process.kill()
  }
}

async function start({ brokers, directory }: ViewsChaosOptions): Promise<Run> {
  const port = await freePorts()
  // A dead process holds its readers up no longer than this.
  const settings = brokers === 'embedded' ? [] : ['transactionTimeoutMs=3000']
  const topologies = ['site-apps', 'countries']
  const process = new ApplicationProcess({ brokers, stateDir: directory, port, settings, topologies })
  process.start()
  const ready = async () => (await process.get('/healthz')) !== undefined && (await isReady(port + 2))
  await until(ready, { limitMs: 120_000, pauseMs: 50, what: 'both services' })
  return {
    process,
    siteUrl: `http://127.0.0.1:${port + 1}`,
    countryUrl: `http://127.0.0.1:${port + 2}`,
    sites: new Map(),
    countries: packageCountries(),
    wrong: [],
    done: 0,
    readsOfOwnWrites: 0,
  }
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined)
  return response?.ok === true
}

async function runLane(run: Run, lane: number, { updates, seed, limitMs }: ViewsChaosOptions): Promise<void> {
  const random = seeded(seed * 1000 + lane)
  const mine = Math.floor(updates / LANES) + (lane < updates % LANES ? 1 : 0)
  const own = (keys: readonly string[]) => keys.filter((_, at) => at % LANES === lane)
  const siteIds = own(Array.from({ length: SITES }, (_, at) => `s${at}`))
  const codes = own(CODES)
  const pick = (keys: readonly string[]) => keys[Math.floor(random() * keys.length)]!
  for (let update = 0; update < mine; update += 1) {
    if (random() < 0.8) {
      const siteId = pick(siteIds)
      const site = nextSite(siteId, run.sites.get(siteId), random)
      await write(`${run.siteUrl}/sites/${siteId}`, site, limitMs)
      run.sites.set(siteId, site)
    } else {
      const code = pick(codes)
      const country = nextCountry(random)
      await write(`${run.countryUrl}/countries/${code}`, country, limitMs)
      run.countries.set(code, country)
      if (random() < 0.3) await readOwnWrite(run, code, country)
    }
    run.done += 1
  }
}

/** Until it is acknowledged: what a kill has left unanswered is written again. */
async function write(url: string, value: object | null, limitMs: number): Promise<void> {
  const options = value ? { method: 'PUT', body: JSON.stringify(value) } : { method: 'DELETE' }
  await until(
    async () => {
      try {
        const response = await fetch(url, { ...options, signal: AbortSignal.timeout(20_000) })
        const text = await response.text()
        if (response.status >= 400 && response.status < 500) throw new TypeError(`${url}: ${text}`)
        return response.ok
      } catch (error) {
        if (error instanceof TypeError && error.message.startsWith(url)) throw error
        return false
      }
    },
    { limitMs, pauseMs: 50, what: `an answer of ${url}` },
  )
}

async function readOwnWrite(run: Run, code: string, country: Country | null): Promise<void> {
  const response = await fetch(`${run.countryUrl}/countries/${code}`).catch(() => undefined)
  if (!response || response.status === 503) return
  const body = (await response.json().catch(() => undefined)) as Partial<Country> | undefined
  if (body === undefined) return
  run.readsOfOwnWrites += 1
  const seen = response.ok ? JSON.stringify({ name: body.name, timeZones: body.timeZones }) : 'null'
  if (seen !== JSON.stringify(country)) run.wrong.push(`${code} read after its write: ${seen}`)
}

async function disturb(run: Run, { updates, kills, seed, limitMs, say }: ViewsChaosOptions): Promise<number> {
  const random = seeded(seed)
  const marks = Array.from({ length: kills }, () => Math.floor(random() * updates * 0.95)).sort(
    (a, b) => a - b,
  )
  for (const [at, mark] of marks.entries()) {
    await until(async () => run.done >= mark, { limitMs, pauseMs: 5, what: `${mark} updates` })
    await run.process.kill()
    say(`kill ${at + 1} after ${run.done} updates`)
    run.process.start()
    // Another kill before it is up would show nothing new.
    await until(
      async () => run.done > mark + LANES || (await isReady(Number(new URL(run.countryUrl).port))),
      {
        limitMs,
        pauseMs: 20,
        what: 'the restart',
      },
    )
  }
  return kills
}

type Views = ReturnType<typeof expectedViews>

/** When it says that it knows everything up to now, it must. */
async function compareServed(run: Run, expected: Views, { limitMs }: ViewsChaosOptions): Promise<void> {
  const endMs = Date.now()
  await until(
    async () => {
      const { staleness } = (await (await fetch(`${run.siteUrl}/state`)).json()) as {
        staleness: { staleMs: number | null }
      }
      return staleness.staleMs !== null && Date.now() - staleness.staleMs > endMs
    },
    { limitMs, pauseMs: 100, what: 'views that know all updates' },
  )
  compare(run, 'sites as served', await servedStore(run, 'site-apps-view'), expected.siteApps)
  await until(async () => sameTexts(await servedStore(run, 'app-counts-view'), expected.counts), {
    limitMs: 30_000,
    pauseMs: 100,
    what: 'the counts',
  }).catch(async () =>
    compare(run, 'counts as served', await servedStore(run, 'app-counts-view'), expected.counts),
  )
  const appSites = new Map<string, string>()
  for (const appId of expected.counts.keys()) {
    const path = `app-sites-view/${appId}/entries`
    for (const [siteId, text] of await servedStore(run, path, 'after'))
      appSites.set(`${appId}/${siteId}`, text)
  }
  compare(run, 'apps as served', appSites, expected.appSites)
  await until(async () => sameTexts(await servedZones(run), expected.timeZones), {
    limitMs: 30_000,
    pauseMs: 100,
    what: 'the time zones',
  }).catch(async () => compare(run, 'time zones as served', await servedZones(run), expected.timeZones))
}

/** Key → JSON text of the value, page by page. */
async function servedStore(run: Run, path: string, pageBy = 'cursor'): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let next: string | null = null
  do {
    const page = next === null ? '' : `&${pageBy}=${encodeURIComponent(next)}`
    const response = await fetch(`${run.siteUrl}/stores/${path}?limit=100${page}`)
    const body = (await response.json()) as {
      entries: { key: string; value: unknown }[]
      next: string | null
    }
    for (const { key, value } of body.entries) found.set(key, JSON.stringify(value))
    next = body.next
  } while (next !== null)
  return found
}

async function servedZones(run: Run): Promise<Map<string, string>> {
  const body = (await (await fetch(`${run.countryUrl}/time-zones?limit=500`)).json()) as {
    timeZones: { zone: string; countries: string[] }[]
  }
  return new Map(body.timeZones.map(({ zone, countries }) => [zone, JSON.stringify({ countries })]))
}

function sameTexts(found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): boolean {
  return found.size === expected.size && [...expected].every(([zone, text]) => found.get(zone) === text)
}

async function compareTopics(run: Run, expected: Views, options: ViewsChaosOptions): Promise<void> {
  const directory = join(options.directory, 'broker')
  const broker = await openBroker(options.brokers, { directory, logger: silentLogger })
  try {
    compare(run, 'site-apps', await tableOf(broker, 'site-apps'), expected.siteApps)
    compare(run, 'app-sites', await tableOf(broker, 'app-sites', entryText), expected.appSites)
    compare(run, 'app-counts', await tableOf(broker, 'app-counts'), expected.counts)
    compare(run, 'time-zones', await tableOf(broker, 'time-zones'), expected.timeZones)
    const seeds = await readAll(broker, 'country-seeds')
    if (seeds.length !== 1) run.wrong.push(`the countries were seeded ${seeds.length} times`)
  } finally {
    await broker.close()
  }
}

/** The last value of each key, as a reader of committed records sees it. */
async function tableOf(broker: Broker, topic: string, keyText = textOf): Promise<Map<string, string>> {
  const table = new Map<string, string>()
  for (const { key, value } of await readAll(broker, topic)) {
    if (value === null) table.delete(keyText(key)!)
    else table.set(keyText(key)!, textOf(value)!)
  }
  return table
}

const indexed = serdes.indexed(serdes.string(), serdes.string())

function entryText(bytes: Uint8Array | null): string {
  const { indexKey, key } = indexed.deserialize(bytes!, { topic: 'app-sites' })
  return `${indexKey}/${key}`
}

function compare(
  run: Run,
  what: string,
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): void {
  for (const [key, text] of expected) {
    if (found.get(key) !== text) run.wrong.push(`${what}: ${key} is ${found.get(key)}, expected ${text}`)
  }
  for (const key of found.keys())
    if (!expected.has(key)) run.wrong.push(`${what}: ${key} should not be there`)
}

/** The first of three free ports in a row. */
async function freePorts(): Promise<number> {
  for (;;) {
    const servers = [createServer(), createServer(), createServer()]
    try {
      const first = await listen(servers[0]!, 0)
      await listen(servers[1]!, first + 1)
      await listen(servers[2]!, first + 2)
      return first
    } catch {
      await sleep(1)
    } finally {
      for (const server of servers) server.close()
    }
  }
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
