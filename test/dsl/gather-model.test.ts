import { describe, expect, it } from 'vitest'
import { serdes, StreamsBuilder, type BatchEvent } from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const START_MS = 1_000_000
const DEADLINE_MS = 500
const FORGET_MS = 700
const SEEDS = 15
const STEPS = 400

interface Said {
  readonly index?: number
  readonly ok?: boolean
  readonly total?: number
}

interface ModelBatch {
  readonly outcomes: Map<number, boolean>
  readonly deadlineMs: number
  total: number | null
  totalTimestamp: number
  endedMs: number | null
}

/** What gather must tell, written down plainly: everything in memory, time looked at before each record. */
class Model {
  readonly told: string[] = []
  readonly #batches = new Map<string, ModelBatch>()

  give(id: string, { index, ok = true, total }: Said, timestamp: number, nowMs: number): void {
    let batch = this.#batches.get(id)
    if (batch !== undefined && batch.endedMs !== null) return
    const isNew = batch === undefined
    batch ??= {
      outcomes: new Map(),
      deadlineMs: nowMs + DEADLINE_MS,
      total: null,
      totalTimestamp: -1,
      endedMs: null,
    }
    this.#batches.set(id, batch)
    if (index !== undefined && !batch.outcomes.has(index)) batch.outcomes.set(index, ok)
    if (total !== undefined && timestamp >= batch.totalTimestamp) {
      batch.total = total
      batch.totalTimestamp = timestamp
    }
    if (isNew) this.#tell('started', id, batch)
    if (batch.total === null || batch.outcomes.size < batch.total) return
    this.#end(batch.outcomes.size === batch.total ? 'completed' : 'failed', id, batch, nowMs)
  }

  pass(nowMs: number): void {
    const due = [...this.#batches].flatMap(([id, batch]) => {
      const atMs = batch.endedMs === null ? batch.deadlineMs : batch.endedMs + FORGET_MS
      return atMs <= nowMs ? [{ id, batch, atMs }] : []
    })
    due.sort((left, right) => left.atMs - right.atMs || (left.id < right.id ? -1 : 1))
    for (const { id, batch, atMs } of due) {
      if (batch.endedMs === null) this.#end('timed-out', id, batch, atMs)
      else this.#batches.delete(id)
    }
    // A deadline and the end of memory may both have passed.
    if (due.length > 0) this.pass(nowMs)
  }

  get size(): number {
    return this.#batches.size
  }

  #end(how: string, id: string, batch: ModelBatch, nowMs: number): void {
    batch.endedMs = nowMs
    this.#tell(how, id, batch)
  }

  #tell(type: string, id: string, { outcomes, total }: ModelBatch): void {
    const succeeded = [...outcomes.values()].filter(Boolean).length
    this.told.push(`${type} ${id} ${succeeded}+${outcomes.size - succeeded}/${total ?? '?'}`)
  }
}

function driverOf() {
  const io = { keySerde: serdes.string(), valueSerde: serdes.json<Said>() }
  const builder = new StreamsBuilder()
  builder
    .stream('results', io)
    .gather({
      ...{ storeName: 'batches', deadlineMs: DEADLINE_MS, forgetAfterMs: FORGET_MS },
      index: said => said.index,
      outcome: said => (said.ok ? 'succeeded' : 'failed'),
      total: said => said.total,
    })
    .to('events')
  const driver = new TopologyTestDriver(builder.build(), {
    startWallClockMs: START_MS,
    config: { defaultKeySerde: serdes.string(), defaultValueSerde: serdes.json() },
  })
  const events = { keySerde: serdes.string(), valueSerde: serdes.json<BatchEvent>() }
  return {
    driver,
    input: driver.createInputTopic('results', io),
    output: driver.createOutputTopic('events', events),
  }
}

/** Of batches whose sizes are from 0 to 12 and lie across segments: results and totals in no order. */
function somethingSaid(random: SeededRandom): Said {
  if (random.chance(0.15)) return { total: random.below(13) }
  const index = random.pick([0, 2_047, 4_000_000]) + random.below(6)
  const total = random.chance(0.1) ? { total: 3 + random.below(10) } : {}
  return { index, ok: random.chance(0.8), ...total }
}

describe('gather, beside a model', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    'seed %i: the same events, in order',
    async seed => {
      const random = new SeededRandom(seed)
      const { driver, input, output } = driverOf()
      const model = new Model()
      for (let step = 0; step < STEPS; step += 1) {
        const id = random.pick(['a', 'b', 'c', 'd'])
        const said = somethingSaid(random)
        const timestamp = 1_000 + step - random.below(20)
        for (let times = 1 + random.below(3); times > 0; times -= 1) {
          input.pipeInput(id, said, { timestamp })
          model.give(id, said, timestamp, driver.wallClockMs)
        }
        if (!random.chance(0.3)) continue
        await driver.advance(random.below(120))
        model.pass(driver.wallClockMs)
      }
      await driver.advance(DEADLINE_MS + FORGET_MS)
      model.pass(driver.wallClockMs)
      const told = output.readRecords().map(({ key, value }) => {
        const { type, succeeded, failed, total } = value!
        return `${type} ${key} ${succeeded}+${failed}/${total ?? '?'}`
      })
      expect(told).toEqual(model.told)
      expect(model.size).toBe(0)
      for (const store of ['batches', 'batches-results']) expect([...driver.store(store).all()]).toEqual([])
      driver.close()
    },
  )
})
