import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { deriveStore, KafkaStreams, openKeyValueStore, StreamsBuilder } from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, readAll } from '../support/topics.ts'

interface Country {
  readonly zones: readonly string[]
}

interface Zone {
  readonly countries: readonly string[]
}

function derive(builder: StreamsBuilder, from: string, to: string) {
  deriveStore<string, Country, string, string, Zone>(builder, {
    from: { topic: from },
    to: { topic: to },
    contributions: ({ zones }, code) => zones.map(zone => [zone, code]),
    combine: codes => ({ countries: codes }),
  })
}

function topology() {
  const builder = new StreamsBuilder()
  derive(builder, 'countries', 'zones')
  return builder.build()
}

function driver() {
  const made = new TopologyTestDriver(topology())
  onTestFinished(() => made.close())
  const countries = made.createInputTopic<string, Country>('countries', {
    keySerde: serdes.string(),
    valueSerde: serdes.json<Country>(),
  })
  const zones = made.createOutputTopic<string, Zone>('zones', {
    keySerde: serdes.string(),
    valueSerde: serdes.json<Zone>(),
  })
  return { countries, zones }
}

describe('a derived store', () => {
  it('has what rows add, and loses what they added when they change or go', () => {
    const { countries, zones } = driver()
    countries.pipeInput('CL', { zones: ['Santiago', 'Easter'] })
    countries.pipeInput('AR', { zones: ['Santiago'] })
    countries.pipeInput('CL', { zones: ['Santiago', 'Easter'] })
    countries.pipeInput('CL', { zones: ['Easter'] })
    countries.pipeInput('CL', null)
    countries.pipeInput('CL', null)
    const told = zones.readRecords().map(({ key, value }) => [key, value?.countries ?? null])
    expect(told).toEqual([
      ['Santiago', ['CL']],
      ['Easter', ['CL']],
      ['Santiago', ['AR', 'CL']],
      ['Santiago', ['AR']],
      ['Easter', null],
    ])
  })

  it('is what the rows make of it, after any changes (naive reference)', () => {
    const { countries, zones } = driver()
    const random = new SeededRandom(7)
    const rows = new Map<string, readonly string[]>()
    const shown = new Map<string, readonly string[]>()
    for (let n = 0; n < 500; n += 1) {
      const code = `c${random.below(8)}`
      const picked = Array.from({ length: random.below(4) }, () => `z${random.below(6)}`)
      if (random.chance(0.2)) rows.delete(code)
      else rows.set(code, [...new Set(picked)])
      countries.pipeInput(code, rows.has(code) ? { zones: rows.get(code)! } : null)
      for (const { key, value } of zones.readRecords())
        if (value) shown.set(key!, value.countries)
        else shown.delete(key!)
      const expected: { [zone: string]: string[] } = {}
      for (const each of [...rows.keys()].sort())
        for (const zone of rows.get(each)!) (expected[zone] ??= []).push(each)
      expect(Object.fromEntries(shown)).toEqual(expected)
    }
  })

  it.each([
    [['a', 'a'], 'a → a'],
    [['a', 'b', 'c', 'a'], 'a → b → c → a'],
  ])('that follows from itself is refused when it is declared: %s', (path, cycle) => {
    const builder = new StreamsBuilder()
    const declare = () => path.slice(1).forEach((to, at) => derive(builder, path[at]!, to))
    expect(declare).toThrow(
      expect.objectContaining({
        code: 'DERIVATION_CYCLE',
        message: expect.stringContaining(cycle) as unknown,
      }),
    )
  })

  it('of several stores, and into several, is no cycle', () => {
    const builder = new StreamsBuilder()
    derive(builder, 'a', 'b')
    deriveStore<string, Country, string, string, Zone>(builder, {
      ...{ from: { topic: 'b' }, to: { topic: 'c' }, name: 'other' },
      ...{ contributions: () => [], combine: () => null },
    })
    expect(builder.build().describe()).toContain('other-sink')
  })

  it('reaches every service that has it open; a restart adds nothing', async () => {
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { countries: 2, zones: 2 }, ['countries', 'zones'])
    const options = { broker, logger: silentLogger }
    const stateDir = await temporaryDirectory()
    const run = async () => {
      const streams = new KafkaStreams(topology(), { applicationId: 'derive', stateDir }, options)
      onTestFinished(() => streams.close())
      await streams.start()
      return streams
    }
    const streams = await run()
    const countries = await openKeyValueStore<string, Country>('countries', options)
    const bookings = await openKeyValueStore<string, Zone>('zones', options)
    const events = await openKeyValueStore<string, Zone>('zones', options)
    onTestFinished(() =>
      Promise.all([countries, bookings, events].map(each => each.close())).then(() => undefined),
    )
    await countries.put('SS', { zones: ['Africa/Juba'] })
    for (const store of [bookings, events])
      await eventually(() => store.get('Africa/Juba')?.countries.join() === 'SS')
    await streams.close()
    await run()
    await countries.put('SS', { zones: ['Africa/Juba'] })
    await countries.put('KE', { zones: ['Africa/Nairobi'] })
    await eventually(() => events.has('Africa/Nairobi'))
    expect(await readAll(broker, 'zones')).toHaveLength(2)
  })
})
