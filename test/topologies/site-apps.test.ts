import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { describe, expect, test } from 'vitest'
import siteApps, { config } from '../../topologies/site-apps.ts'
import type { SiteMetadata } from '../../topologies/site-apps/records.ts'
import { expectedViews, nextSite, type Site } from '../chaos/views-model.ts'
import { seeded } from '../support/seeded.ts'

const keySerde = serdes.string()
const text = { keySerde, valueSerde: serdes.string() }

function open() {
  const driver = new TopologyTestDriver(siteApps, { config })
  const metadata = driver.createInputTopic<string, unknown>('site-metadata', {
    keySerde,
    valueSerde: serdes.json(),
  })
  const index = driver.createOutputTopic('app-sites', text)
  const sites = driver.createOutputTopic('site-apps', text)
  const put = (siteId: string, ...apps: string[]) =>
    metadata.pipeInput(siteId, {
      siteId,
      name: 'n',
      owner: 'o',
      apps: apps.map(appId => ({ appId, version: '1' })),
      pages: ['large'],
    } satisfies SiteMetadata)
  return { driver, metadata, put, index, sites, [Symbol.dispose]: () => driver.close() }
}

const entry = (siteId: string) => `{"siteId":"${siteId}","name":"n","version":"1"}`

describe('site-metadata → site-apps, app-sites', () => {
  test('a new site: its slice, without the rest, and an entry for each app', () => {
    using app = open()
    app.put('s1', 'stores', 'blog')
    expect(app.sites.readKeyValues()).toEqual([
      ['s1', '{"name":"n","apps":[{"appId":"blog","version":"1"},{"appId":"stores","version":"1"}]}'],
    ])
    expect(app.index.readKeyValues()).toEqual([
      ['blog/s1', entry('s1')],
      ['stores/s1', entry('s1')],
    ])
  })

  test('an app that goes takes its entry with it, and nothing else is written', () => {
    using app = open()
    app.put('s1', 'blog', 'chat', 'stores')
    app.index.readKeyValues()
    app.put('s1', 'blog', 'stores', 'video')
    expect(app.index.readKeyValues()).toEqual([
      ['chat/s1', null],
      ['video/s1', entry('s1')],
    ])
  })

  test('a site that is deleted takes all its entries; a tombstone for a site that was never there does nothing', () => {
    using app = open()
    app.put('s1', 'blog', 'chat')
    app.sites.readKeyValues()
    app.index.readKeyValues()
    app.metadata.pipeInput('s1', null)
    expect(app.sites.readKeyValues()).toEqual([['s1', null]])
    expect(app.index.readKeyValues()).toEqual([
      ['blog/s1', null],
      ['chat/s1', null],
    ])
    app.metadata.pipeInput('s1', null)
    app.metadata.pipeInput('never', null)
    expect([app.sites.isEmpty, app.index.isEmpty]).toEqual([true, true])
  })

  test('a record that comes twice, or changes only what is not kept, writes nothing', () => {
    using app = open()
    app.put('s1', 'blog', 'chat')
    app.sites.readKeyValues()
    app.index.readKeyValues()
    app.put('s1', 'chat', 'blog')
    expect([app.sites.isEmpty, app.index.isEmpty]).toEqual([true, true])
  })

  test('a new name is in every entry', () => {
    using app = open()
    app.put('s1', 'blog')
    app.index.readKeyValues()
    app.metadata.pipeInput('s1', {
      siteId: 's1',
      name: 'new',
      owner: 'o',
      apps: [{ appId: 'blog', version: '2' }],
    })
    expect(app.index.readKeyValues()).toEqual([['blog/s1', '{"siteId":"s1","name":"new","version":"2"}']])
  })

  test.each([
    ['no object', 'text'],
    ['no apps', { siteId: 's1', name: 'n', owner: 'o' }],
    [
      'an app id with a slash',
      { siteId: 's1', name: 'n', owner: 'o', apps: [{ appId: 'a/b', version: '1' }] },
    ],
    [
      'an app twice',
      { siteId: 's1', name: 'n', owner: 'o', apps: [1, 2].map(() => ({ appId: 'a', version: '1' })) },
    ],
  ])('%s: dropped and counted, and what was there stays', (_name, value) => {
    using app = open()
    app.put('s1', 'blog')
    app.metadata.pipeInput('s1', value)
    app.metadata.pipeInput(null, { siteId: 's1', name: 'n', owner: 'o', apps: [] })
    app.put('s2', 'blog')
    expect(app.index.readKeyValues().map(([key]) => key)).toEqual(['blog/s1', 'blog/s2'])
    expect(app.driver.metricTotal('dropped-records-total')).toBe(2)
  })

  test('random objects, removals and tombstones, delivered up to three times: the views and counts of a plain computation', () => {
    using app = open()
    const random = seeded(11)
    const sites = new Map<string, Site | null>()
    for (let update = 0; update < 800; update += 1) {
      const siteId = `s${Math.floor(random() * 40)}`
      const site = nextSite(siteId, sites.get(siteId), random)
      sites.set(siteId, site)
      for (let times = 1 + Math.floor(random() * 3); times > 0; times -= 1)
        app.metadata.pipeInput(siteId, site)
    }
    const expected = expectedViews(sites, new Map())
    const view = app.driver.getKeyValueStore<string, unknown>('app-sites-view')
    const counts = new Map<string, number>()
    for (const [key, value] of expected.appSites) {
      expect(JSON.stringify(view.get(key))).toBe(value)
      const appId = key.split('/')[0]!
      counts.set(appId, (counts.get(appId) ?? 0) + 1)
    }
    for (const [appId, count] of counts) expect(view.get(`#/${appId}`)).toEqual({ sites: count })
    expect(view.approximateNumEntries()).toBe(expected.appSites.size + counts.size)
    const siteView = app.driver.getTimestampedKeyValueStore<string, unknown>('site-apps-view')
    for (const [key, value] of expected.siteApps) expect(JSON.stringify(siteView.get(key)?.value)).toBe(value)
    expect(siteView.approximateNumEntries()).toBe(expected.siteApps.size)
  })
})
