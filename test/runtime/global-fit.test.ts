import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { serdes, StreamsBuilder } from '../../lib/index.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { damagesOf } from '../support/file-damage.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { produce, type Pair } from '../support/topics.ts'

async function application() {
  let held: Promise<void> | undefined
  const interceptor: Interceptor = ({ operation, topic }) =>
    operation === 'fetch' && topic === 'g' ? held : undefined
  const broker = await openEmbeddedBroker({ interceptor })
  onTestFinished(() => broker.close())
  const admin = await broker.admin()
  const stateDir = await temporaryDirectory()
  const { logger, lines } = listening()
  const create = (config: { readonly [name: string]: string } = {}) =>
    admin.createTopics([
      { topic: 'g', partitionCount: 1, config: { 'cleanup.policy': 'compact', ...config } },
    ])
  const feed = (...pairs: Pair[]) => produce(broker, 'g', 1, pairs)
  const start = async (storeType: 'persistent' | 'in-memory' = 'persistent') => {
    const builder = new StreamsBuilder()
    const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
    builder.globalTable('g', { ...text, storeName: 'table', storeType })
    const streams = new KafkaStreams(builder.build(), { applicationId: 'app', stateDir }, { broker, logger })
    onTestFinished(() => streams.close())
    await streams.start()
    const rows = async () => {
      const found: { [key: string]: string } = {}
      for await (const [key, value] of streams.store<string, string>('table').all()) found[key] = value
      return found
    }
    return { streams, rows }
  }
  /** What the table shows after a start; `copyTo`: what a process that is killed then leaves. */
  const run = async (copyTo?: string) => {
    const { streams, rows: read } = await start()
    const rows = await read()
    if (copyTo !== undefined) await cp(join(stateDir, 'app', 'global'), copyTo, { recursive: true })
    await streams.close()
    return rows
  }
  const back = async (from: string) => {
    await rm(join(stateDir, 'app', 'global'), { recursive: true })
    await cp(from, join(stateDir, 'app', 'global'), { recursive: true })
  }
  /** Nothing of the topic is read until the function that it returns is called. */
  const hold = () => {
    let release = () => undefined as void
    held = new Promise(resolve => (release = resolve))
    return () => {
      held = undefined
      release()
    }
  }
  return { broker, admin, stateDir, lines, create, feed, start, run, back, hold }
}

const rebuilt = (lines: readonly string[]) => lines.filter(line => line.includes('is removed and rebuilt'))

it.each([
  ['shorter', 1],
  ['longer', 30],
  ['empty', 0],
])(
  'the topic of a global table made anew and %s: the table is what the topic has now',
  async (_, records) => {
    const { admin, lines, create, feed, run } = await application()
    await create()
    await feed(['a', '1'], ['b', '1'], ['c', '1'])
    expect(await run()).toEqual({ a: '1', b: '1', c: '1' })
    await admin.deleteTopics(['g'])
    await create()
    const pairs = Array.from({ length: records }, (_, n): Pair => ['n', `${n}`])
    await feed(...pairs)
    expect(await run()).toEqual(records === 0 ? {} : { n: `${records - 1}` })
    expect(rebuilt(lines)).toHaveLength(1)
    expect(rebuilt(lines)[0]).toContain('g was deleted and made anew')
    await run()
    expect(rebuilt(lines)).toHaveLength(1)
  },
)

it('a beginning that has passed the position: deleted rows do not come back', async () => {
  const { admin, stateDir, lines, create, feed, run, back } = await application()
  await create()
  await feed(['a', '1'], ['b', '1'])
  const older = join(stateDir, 'older')
  await run(older)
  await feed(['a', null], ['b', '2'], ['c', '2'])
  await admin.deleteRecords([{ topic: 'g', partition: 0, offset: 3 }])
  await back(older)
  expect(await run()).toEqual({ b: '2', c: '2' })
  expect(rebuilt(lines)[0]).toContain('g-0 begins at offset 3, and the state is at 2')
})

it.each(['persistent', 'in-memory'] as const)(
  'a position that is deleted under a running table: it is rebuilt, and deleted rows do not come back (%s)',
  async storeType => {
    const { admin, lines, create, feed, start, hold } = await application()
    await create()
    await feed(['a', '1'], ['b', '1'])
    const running = await start(storeType)
    expect(await running.rows()).toEqual({ a: '1', b: '1' })

    const release = hold()
    await feed(['a', null], ['b', '2'], ['c', '2'])
    await admin.deleteRecords([{ topic: 'g', partition: 0, offset: 3 }])
    release()
    await eventually(async () => expect(await running.rows()).toEqual({ b: '2', c: '2' }), {
      what: 'the table',
    })
    // A table in memory is gone with the thread that is started anew; one on disk says so in a line of its
    // own.
    const why =
      storeType === 'persistent' ? rebuilt(lines) : lines.filter(line => line.includes('joined again'))
    expect(why).toEqual([expect.stringContaining('g-0: offset 2 is outside of 3 to 5')])
    await feed(['d', '3'])
    await eventually(async () => expect(await running.rows()).toEqual({ b: '2', c: '2', d: '3' }), {
      what: 'what comes later',
    })
    await running.streams.close()
  },
)

it.each([
  ['1', 1],
  ['86400000', 0],
])('a table left unused, of a topic that keeps deletions for %s ms', async (retention, times) => {
  const { stateDir, lines, create, feed, run, back } = await application()
  await create({ 'delete.retention.ms': retention })
  await feed(['a', '1'])
  const older = join(stateDir, 'older')
  await run(older)
  await feed(['b', '1'])
  await back(older)
  expect(await run()).toEqual({ a: '1', b: '1' })
  expect(rebuilt(lines)).toHaveLength(times)
})

it('each file of a global store damaged: the table is loaded anew, or all there', async () => {
  const { stateDir, lines, create, feed, run } = await application()
  await create()
  await feed(['a', '1'])
  await run()
  const place = join(stateDir, 'app', 'global')
  const expected: { [key: string]: string } = { a: '1' }
  const seen = new Set<string>()
  for (let round = 0; ; round += 1) {
    await feed([`k${round}`, '1'])
    expected[`k${round}`] = '1'
    expect(await run()).toEqual(expected)
    const kindOf = (file: string, what: string) => `${file.replace(/\d+/, 'n')} ${what.replace(/ \d.*/, '')}`
    const damages = await damagesOf(place, { places: [0.5] })
    const damage = damages.find(({ file, what }) => !seen.has(kindOf(file, what)))
    if (!damage) break
    seen.add(kindOf(damage.file, damage.what))
    await damage.inflict(place)
    expect(await run()).toEqual(expected)
  }
  expect(rebuilt(lines).length).toBeGreaterThan(3)
})

it('a table in memory beside one on disk begins anew at each start', async () => {
  const { broker, admin, stateDir, create, feed } = await application()
  await create()
  await admin.createTopics([{ topic: 'memory', partitionCount: 1, config: { 'cleanup.policy': 'compact' } }])
  await feed(['a', '1'])
  await produce(broker, 'memory', 1, [['b', '2']])
  for (let round = 0; round < 2; round += 1) {
    const builder = new StreamsBuilder()
    const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
    builder.globalTable('g', { ...text, storeName: 'table' })
    builder.globalTable('memory', { ...text, storeName: 'other', storeType: 'in-memory' })
    const streams = new KafkaStreams(builder.build(), { applicationId: 'app', stateDir }, { broker })
    await streams.start()
    expect([streams.store('table').get('a'), streams.store('other').get('b')]).toEqual(['1', '2'])
    await streams.close()
  }
})
