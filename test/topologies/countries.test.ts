import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { describe, expect, test } from 'vitest'
import countries, { config } from '../../topologies/countries.ts'
import { expectedViews, nextCountry, type Country } from '../chaos/views-model.ts'
import { seeded } from '../support/seeded.ts'

const keySerde = serdes.string()

function open() {
  const driver = new TopologyTestDriver(countries, { config })
  const input = driver.createInputTopic<string, unknown>('countries', { keySerde, valueSerde: serdes.json() })
  const zones = driver.createOutputTopic('time-zones', { keySerde, valueSerde: serdes.string() })
  const put = (code: string, ...timeZones: string[]) => input.pipeInput(code, { name: code, timeZones })
  return { driver, input, put, zones, [Symbol.dispose]: () => driver.close() }
}

describe('countries → time-zones', () => {
  test('a zone is there while any country has it', () => {
    using app = open()
    app.put('SS', 'Africa/Juba')
    app.put('CH', 'Europe/Zurich')
    app.put('LI', 'Europe/Zurich')
    app.input.pipeInput('CH', null)
    app.put('LI')
    expect(app.zones.readKeyValues()).toEqual([
      ['Africa/Juba', '{"countries":["SS"]}'],
      ['Europe/Zurich', '{"countries":["CH"]}'],
      ['Europe/Zurich', '{"countries":["CH","LI"]}'],
      ['Europe/Zurich', '{"countries":["LI"]}'],
      ['Europe/Zurich', null],
    ])
  })

  test('a record that comes twice, a new name, a tombstone for nothing: nothing is written', () => {
    using app = open()
    app.put('SS', 'Africa/Juba')
    app.zones.readKeyValues()
    app.put('SS', 'Africa/Juba', 'Africa/Juba')
    app.input.pipeInput('SS', { name: 'South Sudan', timeZones: ['Africa/Juba'] })
    app.input.pipeInput('XX', null)
    expect(app.zones.isEmpty).toBe(true)
  })

  test.each([
    ['no object', 'text'],
    ['no time zones', { name: 'n' }],
    ['a zone that is no name', { name: 'n', timeZones: ['Not a zone!'] }],
  ])('%s: dropped and counted', (_name, value) => {
    using app = open()
    app.input.pipeInput('SS', value)
    app.input.pipeInput(null, { name: 'n', timeZones: ['Africa/Juba'] })
    expect(app.zones.isEmpty).toBe(true)
    expect(app.driver.metricTotal('dropped-records-total')).toBe(2)
  })

  test('random changes: the zones of a plain computation', () => {
    using app = open()
    const random = seeded(5)
    const all = new Map<string, Country | null>()
    const zones = new Map<string, string | null>()
    for (let update = 0; update < 600; update += 1) {
      const code = `X${String.fromCharCode(65 + Math.floor(random() * 20))}`
      all.set(code, nextCountry(random))
      app.input.pipeInput(code, all.get(code))
      for (const [zone, value] of app.zones.readKeyValues()) zones.set(zone!, value)
    }
    const live = new Map([...zones].filter(([, value]) => value !== null))
    expect(live).toEqual(expectedViews(new Map(), all).timeZones)
  })
})
