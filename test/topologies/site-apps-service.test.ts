import { openBroker, type Broker } from 'millrace'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import * as siteApps from '../../topologies/site-apps.ts'
import { eventually } from '../support/eventually.ts'
import { readAll } from '../support/topics.ts'
import { openTopologyApp } from '../support/topology-app.ts'

const open = (options = {}) => openTopologyApp(siteApps, { applicationId: 'site-apps', ...options })
type App = Awaited<ReturnType<typeof open>>

interface State {
  readonly staleness: { readonly staleMs: number; readonly recordsBehind: number }
}

const site = (...apps: string[]) => ({
  name: 'Bakery',
  owner: 'ann',
  apps: apps.map(appId => ({ appId, version: '1' })),
})

/** Writes sites; returns what to read at least for the last one. */
async function putSites(app: App, ...ids: readonly string[]): Promise<string> {
  let last = ''
  for (const id of ids) {
    const answer = await app.request<{ atLeast: string }>('PUT', `/sites/${id}`, site('blog', 'chat'))
    expect(answer.status).toBe(202)
    last = answer.body.atLeast
  }
  return last
}

/** Nobody reads past a transaction that is open; returns what ends it. */
async function standStill(broker: Broker): Promise<() => Promise<void>> {
  const id = { clientId: 'w', transactionalId: 'w' }
  const writer = await broker.producer({ ...id, transactionTimeoutMs: 60_000 })
  onTestFinished(() => writer.close())
  await writer.initTransactions()
  await writer.begin()
  for (const topic of ['site-apps', 'app-sites'])
    for (const partition of [0, 1, 2, 3])
      writer.send({ topic, partition, key: Buffer.from('x'), value: null, timestamp: 1, headers: [] })
  await writer.flush()
  return () => writer.abortTransaction()
}

describe('the service of the site apps', () => {
  test('who reads with what the write answered sees it, by site and, page by page, by app', async () => {
    await using app = await open()
    const ids = ['s00', 's01', 's02', 's03', 's04']
    for (const id of ids) {
      const atLeast = await putSites(app, id)
      const bySite = await app.get(`/stores/site-apps-view/${id}?atLeast=${atLeast}`)
      expect(bySite).toMatchObject({ value: { name: 'Bakery', apps: site('blog', 'chat').apps } })
      const byApp = await app.get(`/stores/app-sites-view/blog/entries?after=${id}0&atLeast=${atLeast}`)
      expect(byApp).toMatchObject({ entries: [], next: null })
    }
    const first = await app.get(`/stores/app-sites-view/blog/entries?limit=3`)
    const entry = (key: string) => ({ key, value: { name: 'Bakery', version: '1' } })
    expect(first).toMatchObject({ entries: ids.slice(0, 3).map(entry), next: 's02' })
    const second = await app.get('/stores/app-sites-view/blog/entries?limit=3&after=s02')
    expect(second).toMatchObject({ entries: ids.slice(3).map(entry), next: null })
    await eventually(async () => {
      const { entries } = await app.get<{ entries: { value: object }[] }>('/stores/app-counts-view')
      return JSON.stringify(entries.map(({ value }) => value)) === '[{"sites":5},{"sites":5}]'
    })
  })

  test('a site that is deleted is in neither view any more', async () => {
    await using app = await open()
    await putSites(app, 's00', 's01')
    const { status, body } = await app.request<{ atLeast: string }>('DELETE', '/sites/s00')
    expect(status).toBe(202)
    const gone = await app.request('GET', `/stores/site-apps-view/s00?atLeast=${body.atLeast}`)
    expect(gone.status).toBe(404)
    const left = await app.get(`/stores/app-sites-view/chat/entries?count=true&atLeast=${body.atLeast}`)
    expect(left).toMatchObject({ count: 1, entries: [{ key: 's01' }] })
  })

  test('what is wrong is refused: nothing is published', async () => {
    await using app = await open()
    const codeOf = async (method: string, path: string, body?: unknown) => {
      const answer = await app.request<{ error: { code: string } }>(method, path, body)
      return `${answer.status} ${answer.body.error.code}`
    }
    expect(await codeOf('PUT', '/sites/a%2Fb', site())).toBe('400 INVALID_SITE')
    expect(await codeOf('PUT', '/sites/a', { name: 'n' })).toBe('400 INVALID_SITE')
    expect(await codeOf('PUT', '/sites/a', 7)).toBe('400 INVALID_SITE')
    expect(await codeOf('PUT', '/sites/a', { ...site(), rest: 'x'.repeat(300_000) })).toBe(
      '413 BODY_TOO_LARGE',
    )
    expect(await codeOf('PUT', '/traffic?perSecond=9999')).toBe('400 INVALID_NUMBER')
    expect(await codeOf('GET', '/stores/app-sites-view/blog/entries?limit=0')).toBe('400 BAD_PARAMETER')
    expect(await codeOf('GET', '/stores/installations')).toBe('404 UNKNOWN_STORE')
    expect(await codeOf('GET', '/nothing')).toBe('404 NOT_FOUND')
  })

  test('while the views stand still, reads go on and say that they get older; then they are fresh again', async () => {
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await using app = await open({ broker })
    const path = '/stores/site-apps-view/s00'
    await app.get(`${path}?atLeast=${await putSites(app, 's00')}`)
    const goOn = await standStill(broker)
    await app.request('PUT', '/sites/s00', site('video'))
    const staleness = async () => (await app.get<State>('/state')).staleness
    await eventually(async () => (await staleness()).staleMs > 2000)
    const old = await fetch(app.url + path)
    expect(await old.json()).toMatchObject({ value: { apps: site('blog', 'chat').apps } })
    expect(Number(old.headers.get('millrace-stale-ms'))).toBeGreaterThan(1000)
    expect((await staleness()).recordsBehind).toBeGreaterThan(0)
    await goOn()
    await eventually(async () => {
      const { value } = await app.get<{ value: { apps: unknown[] } }>(path)
      const { staleMs, recordsBehind } = await staleness()
      return value.apps.length === 1 && staleMs < 2000 && recordsBehind === 0
    })
  })

  test('the pages hear of changes of sites and apps, and of the staleness', async () => {
    await using app = await open()
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/live`)
    onTestFinished(() => socket.terminate())
    const heard = new Map<string, unknown>()
    socket.on('message', data => {
      for (const [key, message] of JSON.parse(String(data)) as [string, unknown][]) heard.set(key, message)
    })
    await eventually(() => heard.has('status'))
    await putSites(app, 's00')
    await eventually(() => heard.has('site/s00') && heard.has('app/chat'))
    expect(heard.get('site/s00')).toMatchObject({ siteId: 's00', name: 'Bakery' })
    expect(heard.get('app/chat')).toEqual({ appId: 'chat', sites: 1 })
    await app.request('DELETE', '/sites/s00')
    await eventually(() => heard.get('site/s00') === null && (heard.get('app/chat') as object))
    await eventually(() => (heard.get('app/chat') as { sites: number }).sites === 0)
  })

  test('the traffic fills the views while it runs; the audit sees each revision once', async () => {
    await using app = await open()
    const [audit] = siteApps.audits
    const idsOf = async ({ topics, id }: (typeof siteApps.audits)[0]['expected']) => {
      const records = await readAll(app.broker, topics[0]!)
      return records.flatMap(record => id(record, topics[0]!) ?? []).sort()
    }
    await app.request('PUT', '/traffic?perSecond=500')
    await eventually(async () => {
      const { entries } = await app.get<{ entries: unknown[] }>('/stores/app-counts-view')
      return entries.length === 12
    })
    await eventually(async () => (await idsOf(audit!.expected)).length > 100, { pauseMs: 50 })
    await app.request('PUT', '/traffic?perSecond=0')
    // What was under way when it stopped comes, too.
    await eventually(
      async () => {
        expect((await app.get<State>('/state')).staleness.recordsBehind).toBe(0)
        expect(await idsOf(audit!.seen)).toEqual(await idsOf(audit!.expected))
        return true
      },
      { pauseMs: 50 },
    )
  })

  test('a topic that is not compacted is refused', async () => {
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    const admin = await broker.admin()
    const config = { 'cleanup.policy': 'delete' }
    await admin.createTopics([{ topic: 'site-apps', partitionCount: 1, config }])
    await admin.close()
    await expect(open({ broker })).rejects.toMatchObject({ code: 'TOPIC_NOT_COMPACTED' })
  })
})
