import { rm } from 'node:fs/promises'
import { expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interception } from '../../lib/broker/embedded/state/interceptions.ts'
import { StreamsBuilder, serdes, type StreamsConfig } from '../../lib/index.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf, type Pair } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

function counting({ inMemory = false, repartition = false } = {}): Topology {
  const builder = new StreamsBuilder()
  const input = builder.stream('in', text)
  const grouped = repartition
    ? input.groupBy(value => value, { ...text, name: 'by-value' })
    : input.groupByKey(text)
  grouped
    .count({ storeName: 'counts', ...(inMemory && { storeType: 'in-memory' as const }) })
    .toStream()
    .to('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

async function application(topology: () => Topology, config: Partial<StreamsConfig> = {}) {
  let hook: ((operation: Interception) => void) | undefined
  const broker = await openEmbeddedBroker({ interceptor: operation => hook?.(operation) })
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const admin = await broker.admin()
  const stateDir = await temporaryDirectory()
  const { logger, lines } = listening()
  const open = (own: Partial<StreamsConfig> = {}) => {
    const settings = { applicationId: 'app', stateDir, commitIntervalMs: 0, ...config, ...own }
    const streams = new KafkaStreams(topology(), settings, { broker, logger })
    onTestFinished(() => streams.close())
    return streams
  }
  const counts = async () => {
    const found: { [key: string]: number } = {}
    for (const { key, value } of await readAll(broker, 'out')) found[textOf(key)!] = int64Of(value)!
    return found
  }
  const feed = (...pairs: Pair[]) => produce(broker, 'in', 1, pairs)
  return {
    broker,
    admin,
    stateDir,
    lines,
    open,
    counts,
    feed,
    intercept: (next: typeof hook) => (hook = next),
  }
}

const lost = (lines: readonly string[]) =>
  lines.filter(line => line.startsWith('error') && line.includes('lost'))

it.each([
  ['on disk', {}, false],
  ['in memory, and so in its changelog', { inMemory: true }, false],
  ['of another machine, so in its changelog', {}, true],
  ['behind a repartition topic', { repartition: true }, false],
])(
  'state %s without committed offsets ends with OFFSETS_LOST, and counts nothing twice',
  async (_, shape, moves) => {
    const { admin, stateDir, open, counts, feed } = await application(() => counting(shape))
    await feed(['a', 'x'], ['b', 'x'], ['a', 'x'])
    const expected = 'repartition' in shape ? { x: 3 } : { a: 2, b: 1 }
    const first = open()
    await first.start()
    await eventually(async () => expect(await counts()).toEqual(expected))
    await first.close()
    // As when they expire.
    await admin.deleteGroup('app')
    if (moves) await rm(stateDir, { recursive: true })
    const second = open()
    await expect(second.start()).rejects.toMatchObject({ code: 'OFFSETS_LOST' })
    expect(second.error?.message).toMatch(/"app".*in-0|by-value-repartition-0/)
    expect(second.error?.message).toMatch(/[Rr]eset/)
    expect(second.error?.message).toContain('offsetsLost')
    await second.close()
    expect(await counts()).toEqual(expected)

    const third = open({ offsetsLost: 'accept' })
    await third.start()
    // What was in the repartition topic is read again, too.
    const times = 'repartition' in shape ? 3 : 2
    const twice = Object.fromEntries(Object.entries(expected).map(([key, count]) => [key, times * count]))
    await eventually(async () => expect(await counts()).toEqual(twice))
    await third.close()
    // From then on there are offsets again.
    const fourth = open()
    await fourth.start()
    expect(await counts()).toEqual(twice)
  },
)

it.each(['exactly-once', 'at-least-once'] as const)(
  'an application that ended before its first commit starts again (%s)',
  async processingGuarantee => {
    const { open, counts, feed, intercept } = await application(() => counting(), { processingGuarantee })
    await feed(['a', 'x'])
    let refused = 0
    intercept(({ operation, clientId }) => {
      const isCommit = operation === 'end-transaction' || operation === 'offset-commit'
      if (!isCommit || !clientId?.startsWith('app')) return
      refused += 1
      // At-least-once commits where it begins first.
      if (processingGuarantee === 'exactly-once' || refused > 1)
        throw new BrokerError('CLUSTER_AUTHORIZATION_FAILED', 'authorization', 'sabotage')
    })
    const first = open()
    await first.start().catch(() => undefined)
    await eventually(() => first.state === 'error')
    await first.close()
    intercept(undefined)
    const second = open()
    await second.start()
    await eventually(async () => expect((await counts())['a']).toBeGreaterThan(0))
    expect(second.state).toBe('running')
  },
)

it('an idle application that was never given a record starts again', async () => {
  const { open } = await application(() => counting())
  for (const _ of [1, 2]) {
    const streams = open()
    await streams.start()
    await streams.close()
  }
})

it('a repartition topic that was deleted: what it held is told at level error, with the offsets, and the application goes on', async () => {
  const { admin, lines, open, counts, feed } = await application(() => counting({ repartition: true }))
  await feed(['a', 'x'], ['b', 'x'], ['a', 'y'])
  const first = open()
  await first.start()
  await eventually(async () => expect(await counts()).toEqual({ x: 2, y: 1 }))
  await first.close()
  await admin.deleteTopics(['app-by-value-repartition'])
  const second = open()
  await second.start()
  expect(lost(lines).join('\n')).toMatch(/app-by-value-repartition-0 held from offset \d+ on .*is lost/)
  await feed(['c', 'x'])
  await eventually(async () => expect(await counts()).toEqual({ x: 3, y: 1 }))
})

it('a repartition topic that is deleted while the application runs is told, made anew, and read on', async () => {
  const { admin, lines, open, counts, feed } = await application(() => counting({ repartition: true }))
  await feed(['a', 'x'], ['b', 'x'])
  const streams = open()
  await streams.start()
  await eventually(async () => expect(await counts()).toEqual({ x: 2 }))
  await admin.deleteTopics(['app-by-value-repartition'])
  await eventually(() =>
    expect(lost(lines).join('\n')).toMatch(/app-by-value-repartition-0 held from offset \d+/),
  )
  await eventually(() => streams.state === 'running')
  await feed(['c', 'x'])
  await eventually(async () => expect(await counts()).toEqual({ x: 3 }))
})

it('the same with repartitionLost: fail ends the application', async () => {
  const { admin, open, counts, feed } = await application(() => counting({ repartition: true }), {
    repartitionLost: 'fail',
  })
  await feed(['a', 'x'])
  const first = open()
  await first.start()
  await eventually(async () => expect(await counts()).toEqual({ x: 1 }))
  await first.close()
  await admin.deleteTopics(['app-by-value-repartition'])
  const second = open()
  await expect(second.start()).rejects.toMatchObject({ code: 'REPARTITION_LOST' })
  expect(second.error?.message).toContain('repartitionLost')
})
