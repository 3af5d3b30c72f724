import { serdes, type BatchEvent, type GatheredBatch } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import contactsImport from '../../topologies/contacts-import.ts'
import { importIdOf } from '../../topologies/contacts-import/keep-failures.ts'
import type {
  Contact,
  ImportJob,
  ImportResult,
  RowFailure,
  UploadRecord,
} from '../../topologies/contacts-import/records.ts'
import { DAY_MS, KEPT_MS, TOPICS } from '../../topologies/contacts-import/topics.ts'
import { makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'

const keySerde = serdes.string()

test('an upload becomes an import, its rows contacts and results, and its channel hears of it', () => {
  using stage = open()
  const rows = [...makeContacts({ rows: 300, seed: 7 })]
  const expected = expectedImport(rows)
  stage.upload('i1', { rows: rows.map(({ fields }) => fields), chunkRows: 20 })
  stage.tick(1000)

  const { succeeded, failed } = expected
  expect(stage.events('i1').at(-1)).toMatchObject({ type: 'completed', total: 300, succeeded, failed })
  expect(stage.imports().get('i1')).toMatchObject({ state: 'completed', total: 300, succeeded, failed })
  const contacts = new Map(stage.read<Contact>(TOPICS.contacts))
  expect([...contacts.keys()].sort()).toEqual([...expected.contacts.keys()].sort())
  for (const [email, contact] of expected.contacts) {
    expect(contacts.get(email)).toEqual({ ...contact, importId: 'i1' })
  }
  expect(stage.resultRows().toSorted((a, b) => a - b)).toEqual(rows.map((_, index) => index + 1))
  expect(stage.read<RowFailure>(TOPICS.failures).map(([, { row }]) => row)).toEqual(expected.failedRows)
})

test('nothing is released before the last record, and chunks may come after it, in any order', () => {
  using stage = open()
  const [first, second, third, end] = stage.recordsOf({ rows: rowsOf(6), chunkRows: 2 }) as UploadRecord[]
  stage.pipe('i1', third!)
  stage.pipe('i1', first!)
  stage.tick(100)
  stage.pipe('i1', end!)
  stage.tick(100)
  expect(stage.jobs()).toEqual([])
  expect(stage.read(TOPICS.results)).toEqual([])
  stage.pipe('i1', second!)
  stage.tick(100)
  expect(stage.jobs().map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6])
  expect(stage.totals()).toEqual([['i1', { total: 6 }]])
  expect(stage.storedChunks()).toBe(0)
})

test('chunks and ends that are sent again do no harm, before and after the release', () => {
  using stage = open()
  const records = stage.recordsOf({ rows: rowsOf(6), chunkRows: 2 })
  const [first, second, third, end] = records
  for (const record of [first, first, second, first, end]) stage.pipe('i1', record!)
  stage.tick(100)
  // Three distinct chunks are needed, and four records have come.
  expect(stage.jobs()).toEqual([])
  stage.pipe('i1', third!)
  stage.tick(25)
  for (const record of records) stage.pipe('i1', record)
  stage.tick(1000)
  for (const record of records) stage.pipe('i1', record)
  stage.tick(1000)
  expect(stage.jobs()).toHaveLength(6)
  expect(stage.totals()).toHaveLength(1)
  expect(stage.storedChunks()).toBe(0)
})

test('a release takes a bounded number of chunks at a time, from each import in its turn', () => {
  using stage = open()
  stage.upload('large', { rows: rowsOf(20), chunkRows: 2 })
  stage.upload('small', { rows: rowsOf(6), chunkRows: 2 })
  const released = (importId: string) => stage.jobs().filter(job => job.importId === importId).length
  stage.tick(25)
  expect([released('large'), released('small')]).toEqual([4, 4])
  stage.tick(25)
  expect([released('large'), released('small')]).toEqual([10, 6])
  stage.tick(50)
  expect([released('large'), released('small')]).toEqual([20, 6])
})

test('an upload that never ends is deleted with its chunks when its topic has forgotten it', () => {
  using stage = open()
  const [first, , third] = stage.recordsOf({ rows: rowsOf(6), chunkRows: 2 })
  stage.pipe('i1', first!)
  stage.pipe('i1', third!)
  stage.driver.advanceWallClockTime(KEPT_MS - 1000)
  expect(stage.storedChunks()).toBe(2)
  stage.driver.advanceWallClockTime(1000)
  expect(stage.storedChunks()).toBe(0)
  expect(stage.driver.getKeyValueStore('uploads').get('i1')).toBeUndefined()
  expect(stage.jobs()).toEqual([])
})

test('a file without rows is complete at once', () => {
  using stage = open()
  stage.upload('i1', { rows: [], chunkRows: 2 })
  expect(stage.events('i1')).toMatchObject([{ type: 'started' }, { type: 'completed', total: 0, failed: 0 }])
})

test('of one address the row with the higher number wins, and both rows succeed', () => {
  using stage = open()
  stage.job('a@b.example', { importId: 'i1', row: 9, fields: ['a@b.example', 'nine', '', ''] })
  stage.job('a@b.example', { importId: 'i1', row: 3, fields: [' A@B.example', 'three', '', ''] })
  expect(stage.read<ImportResult>(TOPICS.results).map(([, result]) => result)).toEqual([
    { row: 9, ok: true },
    { row: 3, ok: true },
  ])
  const names = () => stage.read<Contact>(TOPICS.contacts).map(([, { name }]) => name)
  expect(new Set(names())).toEqual(new Set(['nine']))
  stage.job('a@b.example', { importId: 'i2', row: 1, fields: ['a@b.example', 'later', '', ''] })
  expect(names().at(-1)).toBe('later')
})

test('rows without an address fail with their reasons, each under a key of its own', () => {
  using stage = open()
  const rows = ['', '  ', 'nobody', `x@${'y'.repeat(300)}`].map(email => [email, 'n', '', ''] as const)
  stage.upload('i1', { rows, chunkRows: 10 })
  stage.tick(100)
  const failures = stage.read<RowFailure>(TOPICS.failures)
  expect(failures.map(([key, { reason }]) => [key, reason])).toEqual([
    ['i1/0000001', 'EMAIL_MISSING'],
    ['i1/0000002', 'EMAIL_MISSING'],
    ['i1/0000003', 'EMAIL_INVALID'],
    ['i1/0000004', 'EMAIL_INVALID'],
  ])
  expect(failures[2]![1]).toEqual({ row: 3, reason: 'EMAIL_INVALID', fields: ['nobody', 'n', '', ''] })
  const keys = stage.read(TOPICS.jobs).map(([key]) => key)
  expect(keys.slice(0, 3)).toEqual(['i1:1', 'i1:2', 'nobody'])
})

test('failed rows are forgotten after a day, the oldest first', () => {
  using stage = open()
  stage.driver.advanceWallClockTime(KEPT_MS)
  const nowMs = stage.driver.wallClockMs
  const idOf = (daysAgo: number) => importIdOf(nowMs - daysAgo * DAY_MS, 'x')
  const stored = () => [...stage.driver.getKeyValueStore<string, RowFailure>('failures').all()].length
  const failures = stage.driver.createInputTopic(TOPICS.failures, {
    ...{ keySerde, valueSerde: serdes.json<RowFailure>() },
  })
  const failure: RowFailure = { row: 1, reason: 'EMAIL_MISSING', fields: ['', '', '', ''] }
  failures.pipeInput(`${idOf(0.5)}/0000001`, failure)
  expect(stored()).toBe(1)
  stage.driver.advanceWallClockTime(DAY_MS)
  failures.pipeInput(`${importIdOf(nowMs + DAY_MS, 'x')}/0000001`, failure)
  expect(stored()).toBe(1)
})

test('results count once, however often and in whatever order they come; late ones change nothing', () => {
  using stage = open()
  stage.result('i1', { total: 5000 })
  for (let row = 5000; row >= 2; row -= 1) {
    stage.result('i1', { row, ok: true })
    if (row % 3 === 0) stage.result('i1', { row, ok: true })
  }
  // More results than rows have come, and one row has not.
  expect(stage.events('i1').map(({ type }) => type)).toEqual(['started'])
  stage.result('i1', { row: 1, ok: true })
  expect(stage.events('i1').at(-1)).toMatchObject({ type: 'completed', succeeded: 5000, failed: 0 })
  stage.result('i1', { row: 17, ok: true })
  stage.tick(1000)
  expect(stage.events('i1')).toHaveLength(2)
})

test('progress is told at a rhythm, and only where there is any; a day later nothing is left of it', () => {
  using stage = open()
  stage.result('i1', { total: 5 })
  for (let row = 1; row <= 4; row += 1) stage.result('i1', { row, ok: true })
  expect(stage.events('i1')).toMatchObject([{ type: 'started', total: 5 }])
  stage.tick(200)
  expect(stage.events('i1').slice(1)).toMatchObject([{ type: 'progress', succeeded: 4 }])
  stage.tick(2000)
  expect(stage.events('i1')).toHaveLength(2)
  stage.result('i1', { row: 5, ok: false })
  expect(stage.events('i1').slice(2)).toMatchObject([{ type: 'completed', succeeded: 4, failed: 1 }])
  stage.driver.advanceWallClockTime(DAY_MS)
  expect(stage.imports().get('i1')).toBeUndefined()
})

test('an import whose rows do not come times out', () => {
  using stage = open()
  stage.result('i1', { total: 2 })
  stage.result('i1', { row: 1, ok: true })
  stage.driver.advanceWallClockTime(DAY_MS)
  expect(stage.events('i1').at(-1)).toMatchObject({ type: 'timed-out', missing: 1 })
})

function rowsOf(count: number) {
  return Array.from({ length: count }, (_, index) => [`p${index}@x.example`, '', '', ''] as const)
}

interface UploadOptions {
  readonly rows: readonly (readonly [string, string, string, string])[]
  readonly chunkRows: number
}

function open() {
  const driver = new TopologyTestDriver(contactsImport())
  const input = <V>(topic: string) =>
    driver.createInputTopic<string, V>(topic, { keySerde, valueSerde: serdes.json() })
  const uploads = input<UploadRecord>(TOPICS.uploads)
  const jobs = input<ImportJob>(TOPICS.jobs)
  const results = input<ImportResult>(TOPICS.results)
  const read = <V>(topic: string): (readonly [string, V])[] =>
    driver.producedRecords(topic).map(({ key, value }) => [text(key), JSON.parse(text(value)) as V] as const)
  const recordsOf = ({ rows, chunkRows }: UploadOptions): UploadRecord[] => {
    const records: UploadRecord[] = []
    for (let at = 0; at < rows.length; at += chunkRows) {
      const chunk = JSON.stringify(rows.slice(at, at + chunkRows))
      records.push({ chunk: records.length, firstRow: at + 1, rows: chunk })
    }
    return [...records, { chunks: records.length, total: rows.length }]
  }
  const pushTopic = () => driver.producedTopicNames().find(name => name.endsWith('-push')) ?? 'none'
  return {
    driver,
    read,
    recordsOf,
    pipe: (importId: string, record: UploadRecord) => uploads.pipeInput(importId, record),
    upload(importId: string, options: UploadOptions) {
      for (const record of recordsOf(options)) uploads.pipeInput(importId, record)
    },
    job: (key: string, job: ImportJob) => jobs.pipeInput(key, job),
    result: (importId: string, result: ImportResult) => results.pipeInput(importId, result),
    /** In steps, as a clock does: a skipped tick is not made up for. */
    tick(ms: number) {
      for (let left = ms; left > 0; left -= 25) driver.advanceWallClockTime(25)
    },
    jobs: () => read<ImportJob>(TOPICS.jobs).map(([, job]) => job),
    totals: () => read<ImportResult>(TOPICS.results).filter(([, result]) => 'total' in result),
    resultRows: () =>
      read<ImportResult>(TOPICS.results).flatMap(([, result]) => ('row' in result ? [result.row] : [])),
    events: (importId: string) =>
      read<{ data: BatchEvent }>(pushTopic()).flatMap(([key, { data }]) => (key === importId ? [data] : [])),
    imports: () => driver.getKeyValueStore<string, GatheredBatch>('imports'),
    storedChunks: () => driver.getKeyValueStore('upload-chunks').approximateNumEntries(),
    [Symbol.dispose]: () => driver.close(),
  }
}

function text(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString('utf8')
}
