import { serdes, type IndexedKey } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { describe, expect, test } from 'vitest'
import siteApps, { config } from '../../topologies/site-apps.ts'
import type { SiteMetadata } from '../../topologies/site-apps/records.ts'
import { expectedViews, nextSite, type Site } from '../chaos/views-model.ts'
import { seeded } from '../support/seeded.ts'

const keySerde = serdes.string()
const text = { keySerde, valueSerde: serdes.string() }
const indexed = { keySerde: serdes.indexed(keySerde, keySerde), valueSerde: serdes.string() }

function open() {
  const driver = new TopologyTestDriver(siteApps, { config })
  const metadata = driver.createInputTopic<string, unknown>('site-metadata', {
    keySerde,
    valueSerde: serdes.json(),
  })
  const entries = driver.createOutputTopic('app-sites', indexed)
  const index = () =>
    entries.readKeyValues().map(([key, value]) => [`${key!.indexKey}/${key!.key}`, value] as const)
  const sites = driver.createOutputTopic('site-apps', text)
  const put = (siteId: string, ...apps: string[]) => putRevision('1', siteId, ...apps)
  const putRevision = (revision: string, siteId: string, ...apps: string[]) =>
    metadata.pipeInput(siteId, {
      siteId,
      name: 'n',
      owner: 'o',
      revision,
      apps: apps.map(appId => ({ appId, version: '1' })),
      pages: ['large'],
    } satisfies SiteMetadata)
  return { driver, metadata, put, putRevision, index, sites, [Symbol.dispose]: () => driver.close() }
}

const ENTRY = '{"name":"n","version":"1"}'

describe('site-metadata → site-apps, app-sites', () => {
  test('a new site: its slice, without the rest, and an entry for each app', () => {
    using app = open()
    app.put('s1', 'stores', 'blog')
    expect(app.sites.readKeyValues()).toEqual([
      [
        's1',
        '{"name":"n","revision":"1","apps":[{"appId":"blog","version":"1"},{"appId":"stores","version":"1"}]}',
      ],
    ])
    expect(app.index()).toEqual([
      ['blog/s1', ENTRY],
      ['stores/s1', ENTRY],
    ])
  })

  test('an app that goes takes its entry with it, and nothing else is written', () => {
    using app = open()
    app.put('s1', 'blog', 'chat', 'stores')
    app.index()
    app.put('s1', 'blog', 'stores', 'video')
    expect(app.index()).toEqual([
      ['chat/s1', null],
      ['video/s1', ENTRY],
    ])
  })

  test('a site that is deleted takes all its entries; a tombstone for a site that was never there does nothing', () => {
    using app = open()
    app.put('s1', 'blog', 'chat')
    app.sites.readKeyValues()
    app.index()
    app.metadata.pipeInput('s1', null)
    expect(app.sites.readKeyValues()).toEqual([['s1', null]])
    expect(app.index()).toEqual([
      ['blog/s1', null],
      ['chat/s1', null],
    ])
    app.metadata.pipeInput('s1', null)
    app.metadata.pipeInput('never', null)
    expect([app.sites.readKeyValues(), app.index()]).toEqual([[], []])
  })

  test('a record that comes twice writes nothing; a revision with the same apps writes nothing into the index', () => {
    using app = open()
    app.put('s1', 'blog', 'chat')
    app.sites.readKeyValues()
    app.index()
    app.put('s1', 'chat', 'blog')
    expect([app.sites.readKeyValues(), app.index()]).toEqual([[], []])
    app.putRevision('2', 's1', 'chat', 'blog')
    expect([app.sites.readKeyValues().length, app.index()]).toEqual([1, []])
  })

  test('a new name is in every entry', () => {
    using app = open()
    app.put('s1', 'blog')
    app.index()
    app.metadata.pipeInput('s1', {
      siteId: 's1',
      name: 'new',
      owner: 'o',
      revision: '2',
      apps: [{ appId: 'blog', version: '2' }],
    })
    expect(app.index()).toEqual([['blog/s1', '{"name":"new","version":"2"}']])
  })

  test.each([
    ['no object', 'text'],
    ['no apps', { siteId: 's1', name: 'n', owner: 'o', revision: '1' }],
    [
      'an app id with a slash',
      { siteId: 's1', name: 'n', owner: 'o', revision: '1', apps: [{ appId: 'a/b', version: '1' }] },
    ],
    [
      'an app twice',
      {
        siteId: 's1',
        name: 'n',
        owner: 'o',
        revision: '1',
        apps: [1, 2].map(() => ({ appId: 'a', version: '1' })),
      },
    ],
  ])('%s: dropped and counted, and what was there stays', (_name, value) => {
    using app = open()
    app.put('s1', 'blog')
    app.metadata.pipeInput('s1', value)
    app.metadata.pipeInput(null, { siteId: 's1', name: 'n', owner: 'o', revision: '1', apps: [] })
    app.put('s2', 'blog')
    expect(app.index().map(([key]) => key)).toEqual(['blog/s1', 'blog/s2'])
    expect(app.driver.metricTotal('dropped-records-total')).toBe(2)
  })

  test('random objects, removals and tombstones, delivered up to three times: the views and counts of a plain computation', () => {
    using app = open()
    const random = seeded(11)
    const sites = new Map<string, Site | null>()
    for (let update = 0; update < 300; update += 1) {
      const siteId = `s${Math.floor(random() * 40)}`
      const site = nextSite(siteId, sites.get(siteId), random)
      sites.set(siteId, site)
      for (let times = 1 + Math.floor(random() * 3); times > 0; times -= 1)
        app.metadata.pipeInput(siteId, site)
    }
    const expected = expectedViews(sites, new Map())
    const { driver } = app
    const textsOf = (name: string, keyText: (key: never) => string) =>
      [...driver.getTimestampedKeyValueStore<never, unknown>(name).all()].map(
        ([key, { value }]) => [keyText(key), JSON.stringify(value)] as const,
      )
    const entryKey = ({ indexKey, key }: IndexedKey<string, string>) => `${indexKey}/${key}`
    expect(new Map(textsOf('site-apps-view', String))).toEqual(expected.siteApps)
    expect(new Map(textsOf('app-sites-view', entryKey))).toEqual(expected.appSites)
    expect(new Map(textsOf('app-counts-view', String))).toEqual(expected.counts)
  })
})
