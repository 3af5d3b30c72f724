import { describe, expect, it } from 'vitest'
import { serdes, StreamsBuilder, type Firing, type ScheduleOptions } from '../../../lib/index.ts'
import { TopologyTestDriver } from '../../../lib/testing.ts'

const outSerdes = { keySerde: serdes.string(), valueSerde: serdes.json<Firing>() }

function start(options: ScheduleOptions, startIso = '2026-01-01T00:00:00Z') {
  const builder = new StreamsBuilder()
  builder.schedule('tick', options).to('out', outSerdes)
  const driver = new TopologyTestDriver(builder.build(), { startWallClockMs: Date.parse(startIso) })
  const out = driver.createOutputTopic('out', outSerdes)
  return { driver, out }
}

describe('a schedule of the code', () => {
  it('fires to the millisecond, with id, time and headers', async () => {
    const { driver, out } = start({ everyMs: 1_000 })
    await driver.advance(999)
    expect(out.readRecords()).toEqual([])
    await driver.advance(1)
    const [record] = out.readRecords()
    expect(record?.key).toBe('tick')
    expect(record?.value).toEqual({
      fireId: 'tick@2026-01-01T00:00:01.000Z',
      nominalMs: Date.parse('2026-01-01T00:00:01Z'),
      missed: 0,
    })
    expect(record?.timestamp).toBe(Date.parse('2026-01-01T00:00:01Z'))
    await driver.advance(10_000)
    expect(out.readRecords().length).toBe(10)
  })
})
