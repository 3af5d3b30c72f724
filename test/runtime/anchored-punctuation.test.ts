import { describe, expect, test } from 'vitest'
import type { PunctuationOptions, ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { Topology } from '../../lib/topology/topology.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const LAST_TIME = Number.MAX_SAFE_INTEGER

/** Schedules when it is made, or with the first record. */
class Ticking implements Processor {
  readonly #options: PunctuationOptions
  readonly #ticks: number[]
  readonly #late: boolean
  #context!: ProcessorContext
  #scheduled = false

  constructor(options: PunctuationOptions, ticks: number[], late: boolean) {
    this.#options = options
    this.#ticks = ticks
    this.#late = late
  }

  init(context: ProcessorContext): void {
    this.#context = context
    if (!this.#late) this.#schedule()
  }

  process(): void {
    if (!this.#scheduled) this.#schedule()
  }

  #schedule(): void {
    this.#scheduled = true
    this.#context.schedule(this.#options, timeMs => this.#ticks.push(timeMs))
  }
}

function ticking(options: PunctuationOptions, { late = false, startWallClockMs = 0 } = {}) {
  const ticks: number[] = []
  const topology = new Topology()
    .addSource('source', { topics: ['in'], ...TEXT })
    .addProcessor('ticking', () => new Ticking(options, ticks, late), { parents: ['source'] })
  const driver = new TopologyTestDriver(topology, { startWallClockMs })
  const input = driver.createInputTopic('in', TEXT)
  return { driver, ticks, at: (timestamp: number) => input.pipeInput('a', 'x', { timestamp }) }
}

describe('anchored punctuation', () => {
  test('stream time: not before the start, then on multiples of the interval from it', () => {
    const { driver, ticks, at } = ticking({ type: 'stream-time', intervalMs: 10, startMs: 25 })
    using _ = driver
    for (const time of [5, 24, 25, 34, 35, 71, 74, 75]) at(time)
    expect(ticks).toEqual([25, 35, 71, 75])
  })

  test('stream time: a start that has passed counts on', () => {
    const { driver, ticks, at } = ticking({ type: 'stream-time', intervalMs: 10, startMs: 3 }, { late: true })
    using _ = driver
    for (const time of [40, 42, 43, LAST_TIME, LAST_TIME]) at(time)
    expect(ticks).toEqual([43, LAST_TIME])
  })

  test('wall-clock time: a start that is now ticks at once, one that has passed at its next multiple', () => {
    const now = ticking({ type: 'wall-clock-time', intervalMs: 10, startMs: 100 }, { startWallClockMs: 100 })
    const passed = ticking(
      { type: 'wall-clock-time', intervalMs: 10, startMs: 93 },
      { startWallClockMs: 100 },
    )
    using _now = now.driver
    using _passed = passed.driver
    for (const { driver } of [now, passed]) for (const ms of [0, 2, 1, 7]) driver.advanceWallClockTime(ms)
    expect([now.ticks, passed.ticks]).toEqual([[100, 110], [103]])
  })

  test('a start that is no time is misuse', () => {
    expect(() => ticking({ type: 'stream-time', intervalMs: 10, startMs: -1 })).toThrow(/startMs is -1/)
  })
})
