import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ProjectionDefinition } from '../../lib/projection/projection-version.ts'
import { readIndex } from '../../lib/projection/read-index.ts'
import { VersionedProjection } from '../../lib/projection/versioned-projection.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Site } from '../support/index-subject.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics } from '../support/topics.ts'

const keySerde = serdes.string()
const valueSerde = serdes.int64()
const PARTITIONS = 2

/** Each version has the sites of apps; `bad` is one that cannot be built. */
function definition(version: string, stateDir: string): ProjectionDefinition {
  if (version === 'bad') throw new Error('there is no such version')
  const topic = `app-sites-${version}`
  const builder = new StreamsBuilder()
  builder
    .table<string, Site>('sites', { keySerde, valueSerde: serdes.json<Site>() })
    .reverseIndex(({ apps }) => Object.keys(apps), {
      storeName: 'app-sites',
      indexKeySerde: keySerde,
      value: ({ apps }, _site, app) => apps[app]!,
      valueSerde,
    })
    .toStream()
    .to(topic, { valueSerde })
  const storeName = 'view'
  builder.globalTable(topic, { storeName, keySerde: serdes.indexed(keySerde, keySerde), valueSerde })
  return {
    topology: builder.build(),
    storeName,
    config: { stateDir, commitIntervalMs: 10 },
    topics: [{ topic, partitionCount: PARTITIONS, config: { 'cleanup.policy': 'compact' } }],
  }
}

async function open(processes = 1) {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { sites: PARTITIONS })
  const directory = await temporaryDirectory()
  const projections = await Promise.all(
    Array.from({ length: processes }, (_, number) =>
      VersionedProjection.open({
        name: 'app-sites',
        version: 'v1',
        define: version => definition(version, `${directory}/${number}`),
        broker,
        logger: silentLogger,
      }),
    ),
  )
  for (const projection of projections) onTestFinished(() => projection[Symbol.asyncDispose]())
  const sites = broker.topic<string, Site>('sites', { keySerde, valueSerde: serdes.json<Site>() })
  return { broker, directory, projections, projection: projections[0]!, sites }
}

const blogOf = (streams: KafkaStreams, site: string) =>
  readIndex<string, string, number>(streams, 'view').get('blog', site)

describe('a projection that is built anew while it serves', () => {
  it('switches, and back, under writes and reads: no error, and nothing older than before', async () => {
    const { projections, projection, sites } = await open(2)
    const keys = ['a', 'b', 'c', 'd']
    let isOver = false
    const writing = (async () => {
      for (let version = 1; !isOver; version += 1) {
        await Promise.all(keys.map(key => sites.put(key, { apps: { blog: version } })))
      }
    })()
    const seen = projections.map(() => new Map<string, number>())
    const served = new Set<string>()
    let reads = 0
    const reading = projections.map(async (each, at) => {
      while (!isOver) {
        for (const key of keys) {
          const value = await each.read(streams => blogOf(streams, key))
          const before = seen[at]!.get(key) ?? 0
          if ((value ?? 0) < before)
            throw new Error(`${each.version} shows ${value} of ${key}, where ${before} was shown`)
          seen[at]!.set(key, value ?? 0)
          reads += 1
        }
        served.add(each.version)
        await sleep(0)
      }
    })
    await sleep(100)
    await projection.build('v2')
    expect(projection.building).toMatchObject({ version: 'v2' })
    await Promise.all(projections.map(each => each.switchTo('v2')))
    expect(projections.map(({ version }) => version)).toEqual(['v2', 'v2'])
    await sleep(50)
    await projections[1]!.rollBack()
    expect(projections[1]!.version).toBe('v1')
    await sleep(50)
    isOver = true
    await writing
    await Promise.all(reading)
    expect([...served].sort()).toEqual(['v1', 'v2'])
    expect(reads).toBeGreaterThan(100)
    expect(Math.min(...seen[0]!.values())).toBeGreaterThan(0)
  })

  it('stays where it is when a version cannot be built, and follows the pointer when it is opened', async () => {
    const { projection, sites, broker, directory } = await open()
    await sites.put('a', { apps: { blog: 3 } })
    await expect(projection.rollBack()).rejects.toMatchObject({ code: 'VERSION_UNKNOWN' })
    await expect(projection.switchTo('bad')).rejects.toThrow('there is no such version')
    expect(projection.version).toBe('v1')
    await projection.switchTo('v2')
    await projection.switchTo('v2')
    expect(await projection.read(streams => blogOf(streams, 'a'))).toBe(3)
    const other = await VersionedProjection.open({
      name: 'app-sites',
      version: 'v1',
      define: version => definition(version, `${directory}/other`),
      broker,
      logger: silentLogger,
    })
    expect(other.version).toBe('v2')
    await other[Symbol.asyncDispose]()
  })

  it('removes a version with its topics, its group and its state, and not the one that serves', async () => {
    const { projection, broker, sites } = await open()
    await sites.put('a', { apps: { blog: 1 } })
    await projection.switchTo('v2')
    await expect(projection.remove('v2')).rejects.toMatchObject({ code: 'VERSION_IN_USE' })
    await projection.remove('v1')
    const admin = await broker.admin()
    const topics = await admin.listTopics()
    expect(topics.filter(topic => topic.includes('v1'))).toEqual([])
    expect(topics).toContain('app-sites-v2')
    expect((await admin.describeGroup('app-sites-v1')).state).toBe('dead')
    await admin.close()
    await expect(projection.rollBack()).rejects.toMatchObject({ code: 'VERSION_UNKNOWN' })
    expect(await projection.read(streams => blogOf(streams, 'a'))).toBe(1)
  })
})
