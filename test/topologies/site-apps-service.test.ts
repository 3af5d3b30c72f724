import { openBroker } from 'millrace'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import * as siteApps from '../../topologies/site-apps.ts'
import type { Staleness } from '../../topologies/site-apps/staleness.ts'
import { eventually } from '../support/eventually.ts'
import { openTopologyApp } from '../support/topology-app.ts'

const open = (options = {}) => openTopologyApp(siteApps, { applicationId: 'site-apps', ...options })
type App = Awaited<ReturnType<typeof open>>

interface Answer {
  readonly staleness: Staleness
}

const site = (...apps: string[]) => ({
  name: 'Bakery',
  owner: 'ann',
  apps: apps.map(appId => ({ appId, version: '1' })),
})

async function putSites(app: App, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, at) => `s${String(at).padStart(2, '0')}`)
  for (const id of ids)
    expect((await app.request('PUT', `/sites/${id}`, site('blog', 'chat'))).status).toBe(202)
  await eventually(async () => {
    const { total } = await app.get<{ total: number }>('/apps/blog/sites')
    return total === count
  })
}

describe('the service of the site apps', () => {
  test('what is published can be read by site and, page by page, by app; every answer says how old it may be', async () => {
    await using app = await open()
    await putSites(app, 5)
    const bySite = await app.get<Answer>('/sites/s03/apps')
    expect(bySite).toMatchObject({ siteId: 's03', name: 'Bakery', apps: site('blog', 'chat').apps })
    const first = await app.get<Answer & { next: string; sites: { siteId: string }[] }>(
      '/apps/blog/sites?limit=3',
    )
    expect(first.sites.map(({ siteId }) => siteId)).toEqual(['s00', 's01', 's02'])
    const second = await app.get<{ next?: string; sites: { siteId: string }[] }>(
      `/apps/blog/sites?limit=3&after=${first.next}`,
    )
    expect(second.sites.map(({ siteId }) => siteId)).toEqual(['s03', 's04'])
    expect(second.next).toBeUndefined()
    expect(await app.get('/apps')).toMatchObject({
      apps: [
        { appId: 'blog', sites: 5 },
        { appId: 'chat', sites: 5 },
      ],
    })
    for (const path of ['/sites', '/apps', '/sites/none/apps', '/apps/none/sites', '/healthz', '/traffic']) {
      const { staleness } = await app.get<Answer>(path)
      expect(staleness.staleMs, path).toBeTypeOf('number')
      expect(staleness.recordsBehind, path).toBeTypeOf('number')
    }
    expect(first.staleness.lastRecordAgeMs).toBeGreaterThanOrEqual(0)
  })

  test('a site that is deleted is in neither view any more', async () => {
    await using app = await open()
    await putSites(app, 2)
    expect((await app.request('DELETE', '/sites/s00')).status).toBe(202)
    await eventually(async () => (await app.request('GET', '/sites/s00/apps')).status === 404)
    await eventually(async () => (await app.get<{ total: number }>('/apps/chat/sites')).total === 1)
    expect(await app.get('/apps/chat/sites')).toMatchObject({ total: 1, sites: [{ siteId: 's01' }] })
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
    expect(await codeOf('GET', '/apps/blog/sites?limit=0')).toBe('400 INVALID_NUMBER')
    expect(await codeOf('GET', '/nothing')).toBe('404 NOT_FOUND')
  })

  test('while the views stand still, reads go on and say that they get older; then they are fresh again', async () => {
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await using app = await open({ broker })
    await putSites(app, 1)
    // Nobody reads past a transaction that is open.
    const writer = await broker.producer({
      clientId: 'w',
      transactionalId: 'w',
      transactionTimeoutMs: 60_000,
    })
    onTestFinished(() => writer.close())
    await writer.initTransactions()
    await writer.begin()
    for (const partition of [0, 1, 2, 3]) {
      const record = {
        topic: 'site-apps',
        partition,
        key: Buffer.from('x'),
        value: null,
        timestamp: 1,
        headers: [],
      }
      writer.send(record)
    }
    await writer.flush()
    await app.request('PUT', '/sites/s00', site('video'))
    const read = () => app.get<Answer & { apps: unknown[] }>('/sites/s00/apps')
    await eventually(async () => (await read()).staleness.staleMs! > 2000)
    expect(await read()).toMatchObject({ apps: site('blog', 'chat').apps })
    expect((await read()).staleness.recordsBehind).toBeGreaterThan(0)
    await writer.abortTransaction()
    await eventually(async () => (await read()).apps.length === 1)
    await eventually(async () => {
      const { staleMs, recordsBehind } = (await read()).staleness
      return staleMs! < 2000 && recordsBehind === 0
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
    await putSites(app, 1)
    await eventually(() => heard.has('site/s00') && heard.has('app/chat'))
    expect(heard.get('site/s00')).toMatchObject({ siteId: 's00', name: 'Bakery' })
    expect(heard.get('app/chat')).toEqual({ appId: 'chat', sites: 1 })
    await app.request('DELETE', '/sites/s00')
    await eventually(() => heard.get('site/s00') === null)
  })

  test('the traffic fills the views while it runs', async () => {
    await using app = await open()
    await app.request('PUT', '/traffic?perSecond=500')
    await eventually(async () => (await app.get<{ apps: unknown[] }>('/apps')).apps.length === 12)
    await app.request('PUT', '/traffic?perSecond=0')
    const metrics = await (await fetch(`${app.url}/metrics`)).text()
    expect(metrics).toMatch(/^site_apps_records_behind \d+$/m)
    expect(metrics).toMatch(/^site_apps_staleness_seconds [\d.]+$/m)
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
