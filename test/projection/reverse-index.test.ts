import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { IndexedKey } from '../../lib/serde/indexed-key.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { readIndex } from '../../lib/projection/read-index.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { eventually } from '../support/eventually.ts'
import {
  createIndexTopics,
  entryText,
  expectedIndex,
  feedSites,
  indexSubject,
  siteChanges,
  type Site,
} from '../support/index-subject.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const keySerde = serdes.string()
const sites = { keySerde, valueSerde: serdes.json<Site>() }
const entries = { keySerde: serdes.indexed(keySerde, keySerde), valueSerde: serdes.int64() }

function open() {
  const driver = new TopologyTestDriver(indexSubject())
  const input = driver.createInputTopic('sites', sites)
  const output = driver.createOutputTopic('app-sites-out', entries)
  return {
    driver,
    put: (site: string, apps: { readonly [app: string]: number } | null) =>
      input.pipeInput(site, apps && { apps }),
    written: () => output.readKeyValues().map(([key, value]) => [entryText(key!), value]),
    [Symbol.dispose]: () => driver.close(),
  }
}

/** What the store of the index has, and the sums of the counts beside it. */
function storesOf(driver: TopologyTestDriver) {
  const store = driver.store<IndexedKey<string, string>, number>('app-sites')
  const shown = [...store.all()].map(([key, version]) => `${entryText(key)}=${version}`).sort()
  const counts = Object.fromEntries(driver.store<string, number>('app-sites-counts').all())
  return { shown, counts }
}

function countsOf(index: readonly string[]): { [app: string]: number } {
  const counts: { [app: string]: number } = {}
  for (const entry of index) {
    const app = entry.slice(0, entry.indexOf('/'))
    counts[app] = (counts[app] ?? 0) + 1
  }
  return counts
}

describe('reverseIndex', () => {
  it('writes what changes of the index, and nothing else', () => {
    using app = open()
    app.put('s1', { blog: 1, chat: 1 })
    expect(app.written()).toEqual([
      ['blog/s1', 1],
      ['chat/s1', 1],
    ])
    app.put('s1', { blog: 2, video: 1 })
    expect(app.written()).toEqual([
      ['chat/s1', null],
      ['blog/s1', 2],
      ['video/s1', 1],
    ])
    app.put('s1', { video: 1, blog: 2 })
    app.put('s1', { video: 1, blog: 2 })
    expect(app.written()).toEqual([])
    app.put('s1', null)
    app.put('s1', null)
    app.put('never', null)
    expect(app.written()).toEqual([
      ['video/s1', null],
      ['blog/s1', null],
    ])
    expect(storesOf(app.driver)).toEqual({ shown: [], counts: {} })
  })

  it.each([1, 2, 3])(
    'is what a batch computes, after random changes that come up to three times (seed %i)',
    seed => {
      using app = open()
      const changes = siteChanges(seed, 250)
      for (const [site, value] of changes)
        app.put(site!, value === null ? null : (JSON.parse(value) as Site).apps)
      const expected = expectedIndex(changes)
      expect(storesOf(app.driver)).toEqual({ shown: expected, counts: countsOf(expected) })
    },
  )

  it('takes index keys that are objects, come twice, or are null', () => {
    const builder = new StreamsBuilder()
    const ids = serdes.json<{ readonly id: number }>()
    builder
      .table<string, number[]>('rows', { keySerde, valueSerde: serdes.json<number[]>() })
      .reverseIndex(numbers => numbers.map(id => (id < 0 ? null : { id })), {
        storeName: 'by-id',
        indexKeySerde: ids,
        value: numbers => numbers.length,
        valueSerde: serdes.int64(),
      })
    using driver = new TopologyTestDriver(builder.build())
    const rows = driver.createInputTopic('rows', { keySerde, valueSerde: serdes.json<number[]>() })
    const all = () => [...driver.store<IndexedKey<{ id: number }, string>, number>('by-id').all()]
    rows.pipeInput('a', [7, 7, -1])
    expect(all()).toEqual([[{ indexKey: { id: 7 }, key: 'a' }, 3]])
    rows.pipeInput('a', [-1])
    expect(all()).toEqual([])
  })

  it('holds the row itself without a value, and takes the default serdes', () => {
    const builder = new StreamsBuilder()
    builder.table<string, string>('rows').reverseIndex(row => row.split(' '), { storeName: 'by-word' })
    using driver = new TopologyTestDriver(builder.build(), {
      config: { defaultKeySerde: keySerde, defaultValueSerde: serdes.string() },
    })
    const rows = driver.createInputTopic('rows', { keySerde, valueSerde: serdes.string() })
    rows.pipeInput('a', 'x y')
    expect([...driver.store('by-word').all()]).toEqual([
      [{ indexKey: 'x', key: 'a' }, 'x y'],
      [{ indexKey: 'y', key: 'a' }, 'x y'],
    ])
  })

  it.each([
    ['a text, whose letters would be index keys', (row: string) => row as unknown as string[]],
    ['nothing', () => undefined as unknown as string[]],
  ])('refuses a selector that returns %s', (_what, selector) => {
    const builder = new StreamsBuilder()
    builder
      .table('rows', { keySerde, valueSerde: serdes.string() })
      .reverseIndex(selector, { storeName: 'index', indexKeySerde: keySerde })
    using driver = new TopologyTestDriver(builder.build())
    const rows = driver.createInputTopic('rows', { keySerde, valueSerde: serdes.string() })
    expect(() => rows.pipeInput('a', 'x')).toThrow(/no iterable of index keys/)
  })
})

describe('changes', () => {
  it('tells each row that changes with what it was', () => {
    const builder = new StreamsBuilder()
    const json = serdes.json<{ before: Site | null; after: Site | null }>()
    builder.table('sites', sites).changes().to('out', { valueSerde: json })
    using driver = new TopologyTestDriver(builder.build())
    const input = driver.createInputTopic('sites', sites)
    const [one, two] = [{ apps: { blog: 1 } }, { apps: { blog: 2 } }]
    for (const site of [one, one, two, null, null]) input.pipeInput('s', site)
    expect(driver.createOutputTopic('out', { keySerde, valueSerde: json }).readKeyValues()).toEqual([
      ['s', { before: null, after: one }],
      ['s', { before: one, after: two }],
      ['s', { before: two, after: null }],
    ])
  })
})

const PARTITIONS = 4

describe('readIndex over two processes', () => {
  it('reads pages and counts where the index key is, and from the copy anywhere', async test => {
    const broker = await openEmbeddedBroker()
    await createIndexTopics(broker, PARTITIONS)
    const changes = siteChanges(7, 600)
    await feedSites(broker, PARTITIONS, changes)
    const directory = await temporaryDirectory(test)
    const both = [1, 2].map(
      number =>
        new KafkaStreams(
          indexSubject(),
          { applicationId: 'index', stateDir: `${directory}/${number}`, commitIntervalMs: 20 },
          { broker, logger: silentLogger },
        ),
    )
    onTestFinished(async () => {
      for (const streams of both) await streams.close()
      await broker.close()
    })
    await Promise.all(both.map(streams => streams.start()))
    const expected = expectedIndex(changes)
    const apps = Object.keys(countsOf(expected))
    const copies = both.map(streams => readIndex<string, string, number>(streams, 'app-sites-copy'))
    const shownBy = async (app: string, index: (typeof copies)[0], limit: number) => {
      const all: string[] = []
      for (let after: string | undefined; ;) {
        let size = 0
        for await (const [site, version] of index.entries(app, {
          limit,
          ...(after !== undefined && { after }),
        })) {
          all.push(`${app}/${site}=${version}`)
          after = site
          size += 1
        }
        if (size < limit) return all
      }
    }
    for (const copy of copies)
      await eventually(async () => {
        const shown = await Promise.all(apps.map(app => shownBy(app, copy, 100)))
        expect(shown.flat().sort()).toEqual(expected)
        return true
      })
    const parts = both.map(streams => readIndex<string, string, number>(streams, 'app-sites'))
    const found = await Promise.all(
      apps.map(async app => {
        const answers = await Promise.all(
          parts.map(async part => {
            try {
              return { rows: await shownBy(app, part, 3), count: await part.count(app) }
            } catch (error) {
              return { code: (error as { readonly code?: string }).code }
            }
          }),
        )
        expect(answers.filter(({ code }) => code === 'KEY_NOT_HERE')).toHaveLength(1)
        return answers.find(answer => 'rows' in answer)!
      }),
    )
    expect(found.flatMap(({ rows }) => rows!).sort()).toEqual(expected)
    expect(Object.fromEntries(apps.map((app, at) => [app, found[at]!.count]))).toEqual(countsOf(expected))
    for (const app of apps) {
      const [first] = await shownBy(app, copies[0]!, 1)
      const site = first!.slice(app.length + 1, first!.indexOf('='))
      expect(copies[1]!.get(app, site)).toBe(Number(first!.slice(first!.indexOf('=') + 1)))
      expect(await copies[1]!.count(app)).toBe(countsOf(expected)[app])
    }
    await expect(copies[0]!.count('no such app')).resolves.toBe(0)
  })
})
