import { describe, expect, it } from 'vitest'
import {
  serdes,
  StreamsBuilder,
  type BatchEvent,
  type Header,
  type GatheredBatch,
  type GatherOptions,
  type ProcessingErrorHandler,
} from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'

const START_MS = 1_000_000
const DEADLINE_MS = 10_000
const FORGET_MS = 60_000

interface Result {
  readonly row?: number | undefined
  readonly ok?: boolean
  readonly rows?: number | undefined
}

const io = { keySerde: serdes.string(), valueSerde: serdes.json<Result>() }
const events = { keySerde: serdes.string(), valueSerde: serdes.json<BatchEvent>() }

interface RunOptions extends Partial<GatherOptions<string, Result>> {
  readonly onError?: ProcessingErrorHandler
}

function run({ onError, ...options }: RunOptions = {}) {
  const builder = new StreamsBuilder()
  builder
    .stream<string, Result>('results', io)
    .gather({
      ...{ name: 'gather', storeName: 'imports', deadlineMs: DEADLINE_MS, forgetAfterMs: FORGET_MS },
      index: result => result.row,
      outcome: result => (result.ok === false ? 'failed' : 'succeeded'),
      total: result => result.rows,
      ...options,
    })
    .to('events', events)
  const config = onError ? { processingErrorHandler: onError } : {}
  const driver = new TopologyTestDriver(builder.build(), { startWallClockMs: START_MS, config })
  const input = driver.createInputTopic('results', io)
  const output = driver.createOutputTopic('events', events)
  return {
    driver,
    give: (batch: string, result: Result, at: { timestamp?: number; headers?: readonly Header[] } = {}) =>
      input.pipeInput(batch, result, at),
    records: () => output.readRecords(),
    /** `type batch succeeded+failed/total`. */
    told: () =>
      output.readRecords().map(({ key, value }) => {
        const { type, succeeded, failed, total } = value!
        return `${type} ${key} ${succeeded}+${failed}/${total ?? '?'}`
      }),
    /** Keys in the stores, summed, with the timers. */
    held: () => {
      let count = 0
      for (const name of ['imports', 'imports-results']) {
        const content = driver.store<unknown, unknown>(name)
        count += [...content.all()].length
      }
      return count + driver.metricTotal('timers-pending')
    },
  }
}

describe('gather', () => {
  it('tells the start with the first record and completion with the last result', () => {
    const { give, told } = run()
    give('a', { rows: 3 })
    expect(told()).toEqual(['started a 0+0/3'])
    give('a', { row: 0 })
    give('b', { row: 1, rows: 2, ok: false })
    give('a', { row: 2, ok: false })
    expect(told()).toEqual(['started b 0+1/2'])
    give('a', { row: 1 })
    give('b', { row: 0 })
    expect(told()).toEqual(['completed a 2+1/3', 'completed b 1+1/2'])
  })

  it('counts a result once, however often it comes, by its first outcome', () => {
    const { driver, give, told } = run()
    give('a', { rows: 2, row: 7 })
    for (let times = 0; times < 3; times += 1) give('a', { row: 7, ok: false })
    expect(told()).toEqual(['started a 1+0/2'])
    give('a', { row: 8 })
    give('a', { row: 8 })
    expect(told()).toEqual(['completed a 2+0/2'])
    expect(driver.metricTotal('gather-duplicates-total')).toBe(3)
    expect(driver.metricTotal('gather-late-total')).toBe(1)
    expect(driver.metricTotal('gather-completed-total')).toBe(1)
  })

  it('takes the total late, and corrected up and down, the latest timestamp first', () => {
    const { give, told } = run()
    give('a', { row: 0 })
    give('a', { row: 1 })
    give('a', { rows: 3 }, { timestamp: 10 })
    give('a', { rows: 4 }, { timestamp: 30 })
    give('a', { rows: 3 }, { timestamp: 20 })
    give('a', { row: 2 }, { timestamp: 40 })
    expect(told()).toEqual(['started a 1+0/?'])
    give('a', { rows: 3 }, { timestamp: 31 })
    expect(told()).toEqual(['completed a 3+0/3'])
  })

  it('completes an empty batch at once', () => {
    const { give, told } = run()
    give('a', { rows: 0 })
    expect(told()).toEqual(['started a 0+0/0', 'completed a 0+0/0'])
  })

  it('fails a batch whose total is below the results that have come, once and with the reason', () => {
    const { driver, give, records } = run()
    for (const row of [0, 1, 2]) give('a', { row })
    give('a', { rows: 2 })
    give('a', { rows: 3 })
    const [, failed, ...more] = records().map(({ value }) => value!)
    expect(more).toEqual([])
    expect(failed).toMatchObject({
      ...{ type: 'failed', succeeded: 3, failed: 0, total: 2, missing: 0 },
      reason: 'its total was corrected to 2, and 3 different results had come already',
    })
    expect(driver.metricTotal('gather-failed-total')).toBe(1)
    expect(driver.metricTotal('gather-late-total')).toBe(1)
  })

  it('times out at the deadline, once, and late results do not complete it', async () => {
    const { driver, give, records, told } = run()
    give('a', { rows: 3, row: 0 })
    await driver.advance(DEADLINE_MS - 1)
    expect(told()).toEqual(['started a 1+0/3'])
    await driver.advance(1)
    const [event] = records()
    expect(event!.value).toEqual({
      ...{ type: 'timed-out', succeeded: 1, failed: 0, total: 3, missing: 2 },
      ...{ eventId: `a@${START_MS}/timed-out`, startedAtMs: START_MS, atMs: START_MS + DEADLINE_MS },
    })
    give('a', { row: 1 })
    give('a', { row: 2 })
    await driver.advance(DEADLINE_MS)
    expect(told()).toEqual([])
    expect(driver.metricTotal('gather-late-total')).toBe(2)
    expect(driver.metricTotal('gather-timed-out-total')).toBe(1)
  })

  it('does not put off the deadline by results that come', async () => {
    const { driver, give, told } = run()
    for (let row = 0; row < 5; row += 1) {
      give('a', { row })
      await driver.advance(DEADLINE_MS / 5)
    }
    expect(told()).toEqual(['started a 1+0/?', 'timed-out a 5+0/?'])
  })

  it('deletes all of a batch some time after its end, and begins anew behind that', async () => {
    const { driver, give, told, held } = run({ storeType: 'in-memory' })
    for (const row of [0, 5_000, 1_000_000])
      give('a', { row, rows: 3 }, { headers: [{ key: 'x', value: null }] })
    give('b', { row: 0 })
    expect(held()).toBeGreaterThan(0)
    await driver.advance(FORGET_MS - 1)
    give('a', { row: 1 })
    expect(told()).toEqual(['started a 1+0/3', 'completed a 3+0/3', 'started b 1+0/?', 'timed-out b 1+0/?'])
    await driver.advance(DEADLINE_MS + 1)
    expect(held()).toBe(0)
    give('a', { row: 0, rows: 1 })
    expect(told()).toEqual(['started a 1+0/1', 'completed a 1+0/1'])
  })

  it('deletes a batch of many segments in several goes', async () => {
    const { driver, give, told, held } = run({ forgetAfterMs: 0, deadlineMs: 1 })
    for (let at = 0; at < 1_200; at += 1) give('a', { row: at * 2_048 })
    expect(held()).toBe(1_202)
    await driver.advance(10)
    expect(told().at(-1)).toBe('timed-out a 1200+0/?')
    expect(held()).toBe(0)
  })

  it('tells progress at a rhythm, and only where there is some', async () => {
    const { driver, give, told } = run({ progressIntervalMs: 100 })
    give('a', { rows: 5, row: 0 })
    await driver.advance(1_000)
    expect(told()).toEqual(['started a 1+0/5'])
    give('a', { row: 1 })
    await driver.advance(50)
    give('a', { row: 2, ok: false })
    await driver.advance(49)
    expect(told()).toEqual([])
    await driver.advance(1)
    expect(told()).toEqual(['progress a 2+1/5'])
    give('a', { row: 2 })
    await driver.advance(1_000)
    expect(told()).toEqual([])
    give('a', { row: 3 })
    give('a', { row: 4 })
    await driver.advance(1_000)
    expect(told()).toEqual(['completed a 4+1/5'])
  })

  it('hands headers on: those of the record that caused an event, of the first one where time did', async () => {
    const { driver, give, records } = run({ progressIntervalMs: 100 })
    const trace = (id: string) => ({ headers: [{ key: 'traceparent', value: Buffer.from(id) }] })
    give('a', { row: 0, rows: 3 }, trace('one'))
    give('a', { row: 1 }, trace('two'))
    await driver.advance(100)
    give('b', { row: 0, rows: 2 }, trace('three'))
    give('b', { row: 1 }, trace('four'))
    await driver.advance(DEADLINE_MS)
    const seen = records().map(
      ({ value, headers }) => `${value!.type} ${Buffer.from(headers[0]!.value!).toString()}`,
    )
    expect(seen).toEqual([
      ...['started one', 'progress one', 'started three', 'completed four', 'timed-out one'],
    ])
  })

  it('gives events an id that is the same when the records are processed again', async () => {
    const idsOf = async (waitMs: number) => {
      const { driver, give, records } = run({ progressIntervalMs: 1_000 })
      await driver.advance(waitMs)
      for (let row = 0; row < 3; row += 1) {
        give('a', { row, rows: 3 }, { timestamp: 500 + row })
        await driver.advance(1_000)
      }
      return records().map(({ value }) => value!.eventId)
    }
    const ids = await idsOf(0)
    expect(ids).toEqual(['a@500/started', 'a@500/progress/2+0/3', 'a@500/completed'])
    expect(await idsOf(5_000)).toEqual(ids)
  })

  it.each<[string, Result, string]>([
    ['a negative index', { row: -1 }, 'index of gather (node "gather") returned -1'],
    ['a fraction', { row: 1.5 }, 'index of gather (node "gather") returned 1.5'],
    ['an index beyond 32 bits', { row: 2 ** 32 }, 'a whole number from 0 to 4294967295, or undefined'],
    ['a negative total', { rows: -1 }, 'total of gather (node "gather") returned -1'],
    ['a total that is no number', { rows: '7' as never }, 'total of gather (node "gather") returned "7"'],
  ])('hands %s to the handler of errors, and takes nothing of the record', (_name, result, message) => {
    const errors: Error[] = []
    const { give, told, held } = run({ onError: error => (errors.push(error), 'continue') })
    give('a', { row: 0, rows: 1, ...result })
    expect(errors.map(error => error.message)).toEqual([expect.stringContaining(message)])
    expect(told()).toEqual([])
    expect(held()).toBe(0)
    give('a', { row: 0, rows: 1 })
    expect(told()).toEqual(['started a 1+0/1', 'completed a 1+0/1'])
  })

  it('refuses an outcome that is none', () => {
    const { give } = run({ outcome: () => 'ok' as never })
    expect(() => give('a', { row: 0 })).toThrow('outcome of gather (node "gather") returned "ok"')
  })

  it('takes the largest index', () => {
    const { give, told } = run()
    give('a', { row: 2 ** 32 - 1, rows: 2 })
    give('a', { row: 2 ** 32 - 1 })
    give('a', { row: 0 })
    expect(told()).toEqual(['started a 1+0/2', 'completed a 2+0/2'])
  })

  it('drops records without key or value, and counts them', () => {
    const { driver, give, told } = run()
    give(null as never, { row: 0 })
    give('a', null as never)
    expect(told()).toEqual([])
    expect(driver.metricTotal('dropped-records-total')).toBe(2)
  })

  it('regroups by batch, through a topic named after the store', async () => {
    const builder = new StreamsBuilder()
    const jobs = {
      keySerde: serdes.string(),
      valueSerde: serdes.json<{ importId: number | null; row: number }>(),
    }
    const batches = { keySerde: serdes.int32(), valueSerde: serdes.json<BatchEvent>() }
    builder
      .stream('results', jobs)
      .gather({
        ...{ storeName: 'imports', keySerde: serdes.int32(), deadlineMs: 1, forgetAfterMs: 10 },
        batch: result => result.importId,
        index: (result, batch: number) => result.row - batch,
        total: () => 2,
      })
      .to('events', batches)
    const driver = new TopologyTestDriver(builder.build(), { startWallClockMs: START_MS })
    const input = driver.createInputTopic('results', jobs)
    for (const row of [100, 100, 101]) input.pipeInput(`job-${row}`, { importId: 100, row })
    input.pipeInput('job', { importId: null, row: 7 })
    const seen = driver.createOutputTopic('events', batches).readKeyValues()
    expect(seen.map(([key, value]) => [key, value!.type])).toEqual([
      [100, 'started'],
      [100, 'completed'],
    ])
    expect(builder.build().describe().toString()).toContain('imports-repartition')
    const stored = driver.store<number, GatheredBatch>('imports').get(100)
    expect(stored).toMatchObject({ state: 'completed', succeeded: 2, failed: 0, total: 2 })
    await driver.advance(100)
    expect(driver.store<number, GatheredBatch>('imports').get(100)).toBeUndefined()
  })

  it('keeps a batch whose completion an operator below has refused, and tells it at the deadline', async () => {
    let refusals = 0
    const builder = new StreamsBuilder()
    builder
      .stream('results', io)
      .gather({
        ...{ deadlineMs: DEADLINE_MS, forgetAfterMs: FORGET_MS, index: result => result.row, total: () => 1 },
      })
      .peek(({ type }) => {
        if (type !== 'started') return
        refusals += 1
        throw new Error('not now')
      })
      .to('events', events)
    const driver = new TopologyTestDriver(builder.build(), {
      startWallClockMs: START_MS,
      config: { processingErrorHandler: () => 'continue' },
    })
    driver.createInputTopic('results', io).pipeInput('a', { row: 0 })
    expect(refusals).toBe(1)
    await driver.advance(DEADLINE_MS)
    const [event] = driver.createOutputTopic('events', events).readRecords()
    expect(event!.value).toMatchObject({ type: 'completed', succeeded: 1, missing: 0 })
  })

  it.each<[string, object, string]>([
    ['no deadline', { deadlineMs: undefined }, 'deadlineMs is undefined: it must be a whole number'],
    ['no end of memory', { forgetAfterMs: -1 }, 'forgetAfterMs is -1: it must be a whole number'],
    ['a rhythm of 0', { progressIntervalMs: 0 }, 'progressIntervalMs is 0'],
    ['no index', { index: undefined }, 'gather needs index'],
    ['no total', { total: undefined }, 'gather needs total'],
    ['another kind of store', { storeType: 'lru' }, 'storeType is lru'],
  ])('refuses %s', (_name, options, message) => {
    expect(() => run(options as RunOptions)).toThrow(message)
  })
})
