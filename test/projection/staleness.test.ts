import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { OpenedBroker } from '../../lib/broker/open/opened-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { httpApp } from '../../lib/http/http-app.ts'
import { readIndex } from '../../lib/projection/read-index.ts'
import { StalenessMonitor } from '../../lib/projection/staleness-monitor.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { ask } from '../http/fixture.ts'
import { eventually } from '../support/eventually.ts'
import { createIndexTopics, indexSubject, type Site } from '../support/index-subject.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const VIEWS = ['sites-store', 'app-sites', 'app-sites-copy'] as const

/** The subject running, with a gate before its commits. */
async function open() {
  let release: (() => void) | undefined
  let gate: Promise<void> | undefined
  const embedded = await openEmbeddedBroker({
    interceptor: ({ operation }) => (operation === 'end-transaction' ? gate : undefined),
  })
  const broker = new OpenedBroker(embedded, systemClock)
  onTestFinished(() => broker.close())
  await createIndexTopics(broker, 2)
  const streams = new KafkaStreams(
    indexSubject(),
    { applicationId: 'index', stateDir: await temporaryDirectory(), commitIntervalMs: 10 },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  onTestFinished(() => release?.())
  await streams.start()
  const monitorOf = async (storeName: string) => {
    const monitor = await StalenessMonitor.open(streams, {
      storeName,
      broker,
      measureMs: 50,
      logger: silentLogger,
    })
    onTestFinished(() => monitor[Symbol.asyncDispose]())
    return monitor
  }
  const sites = broker.topic<string, Site>('sites', {
    keySerde: serdes.string(),
    valueSerde: serdes.json<Site>(),
  })
  return {
    streams,
    monitorOf,
    sites,
    stop() {
      gate = new Promise(resolve => (release = resolve))
    },
    goOn() {
      gate = undefined
      release?.()
    },
  }
}

describe('reading at least what was written', () => {
  it("shows one's own writes, over all steps, each at the first read", async () => {
    const { streams, monitorOf, sites } = await open()
    const monitors = await Promise.all(VIEWS.map(monitorOf))
    const indexes = ['app-sites', 'app-sites-copy'].map(name =>
      readIndex<string, string, number>(streams, name),
    )
    for (let version = 1; version <= 15; version += 1) {
      const site = `s${version % 5}`
      const written = await sites.put(site, { apps: { blog: version } })
      expect(written.topic).toBe('sites')
      await Promise.all(monitors.map(monitor => monitor.reached(written)))
      expect(streams.store<string, Site>('sites-store').get(site)).toEqual({ apps: { blog: version } })
      for (const index of indexes) expect(index.get('blog', site)).toBe(version)
    }
  })

  it('says STALE while the projection stands still, and then goes on', async () => {
    const { streams, monitorOf, sites, stop, goOn } = await open()
    const monitor = await monitorOf('app-sites-copy')
    await monitor.reached(await sites.put('s', { apps: { blog: 1 } }))
    stop()
    const written = await sites.put('s', { apps: { blog: 2 } })
    await expect(monitor.reached(written, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'STALE' })
    expect(readIndex<string, string, number>(streams, 'app-sites-copy').get('blog', 's')).toBe(1)
    const { staleMs } = monitor.now
    await eventually(() => monitor.now.staleMs! > staleMs! + 200 && monitor.now.recordsBehind! > 0)
    const waiting = monitor.reached(written)
    goOn()
    await waiting
    expect(readIndex<string, string, number>(streams, 'app-sites-copy').get('blog', 's')).toBe(2)
    await eventually(() => monitor.now.staleMs! < 200 && monitor.now.recordsBehind === 0)
  })

  it('refuses topics that do not lead to the store, and waits no longer once it is closed', async () => {
    const { monitorOf, sites, stop } = await open()
    const monitor = await monitorOf('app-sites-copy')
    await expect(monitor.reached({ topic: 'other', partition: 0, offset: 0 })).rejects.toMatchObject({
      code: 'NOT_AN_INPUT',
      message: expect.stringContaining('sites, index-app-sites-repartition, app-sites-out') as string,
    })
    stop()
    const waiting = monitor.reached(await sites.put('s', null))
    const refused = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await monitor[Symbol.asyncDispose]()
    await refused
    await expect(monitor.reached({ topic: 'sites', partition: 0, offset: 0 })).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })
})

describe('over HTTP', () => {
  it('waits for ?atLeast, says how stale an answer is, and serves pages of an index', async () => {
    const { streams, monitorOf, sites, stop } = await open()
    const staleness = await monitorOf('app-sites-copy')
    const app = httpApp(streams, {
      stores: { 'app-sites-copy': { staleness }, 'app-sites': {} },
      atLeastMs: 3_000,
      logger: silentLogger,
    })
    for (const site of ['a', 'b', 'c']) await sites.put(site, { apps: { blog: 1 } })
    const { partition, offset } = await sites.put('a', { apps: { blog: 7 } })
    await Promise.all(
      ['b', 'c'].map(async site => staleness.reached(await sites.put(site, { apps: { blog: 1 } }))),
    )
    const path = `/stores/app-sites-copy/blog/entries?atLeast=sites-${partition}:${offset}`
    const page = await ask(app, `${path}&limit=2&count=true`)
    expect(page.body).toEqual({
      store: 'app-sites-copy',
      indexKey: 'blog',
      entries: [
        { key: 'a', value: 7 },
        { key: 'b', value: 1 },
      ],
      next: 'b',
      count: 3,
    })
    expect(Number(page.headers.get('millrace-stale-ms'))).toBeLessThan(60_000)
    expect(page.headers.get('millrace-records-behind')).toMatch(/^\d+$/)
    const rest = await ask(app, `/stores/app-sites-copy/blog/entries?after=b`)
    expect(rest.body).toMatchObject({ entries: [{ key: 'c', value: 1 }], next: null })
    for (const [query, code] of [
      ['atLeast=sites:1', 'BAD_PARAMETER'],
      ['atLeast=other-0:1', 'BAD_PARAMETER'],
      ['after=b&limit=0', 'BAD_PARAMETER'],
    ])
      expect((await ask(app, `/stores/app-sites-copy/blog/entries?${query}`)).body).toMatchObject({
        error: { code },
      })
    expect((await ask(app, `/stores/app-sites/blog/entries?atLeast=sites-0:0`)).body).toMatchObject({
      error: { code: 'BAD_PARAMETER', message: expect.stringContaining('staleness') as string },
    })
    stop()
    const short = httpApp(streams, { stores: { 'app-sites-copy': { staleness } }, atLeastMs: 50 })
    const late = await sites.put('a', null)
    const stale = await ask(
      short,
      `/stores/app-sites-copy/blog/entries?atLeast=sites-${late.partition}:${late.offset}`,
    )
    expect([stale.status, stale.headers.get('retry-after')]).toEqual([503, '1'])
    expect(stale.body).toMatchObject({ error: { code: 'STALE' } })
  })
})
