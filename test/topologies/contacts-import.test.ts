import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import contactsImport from '../../topologies/contacts-import.ts'
import type {
  Contact,
  ImportEvent,
  ImportJob,
  ImportStart,
  ImportSummary,
  PushEvent,
  RowFailure,
  RowResult,
  UploadRecord,
} from '../../topologies/contacts-import/records.ts'
import { TOPICS } from '../../topologies/contacts-import/topics.ts'
import { uploadSerde } from '../../topologies/contacts-import/upload-serde.ts'
import { makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'

const SETTINGS = {
  uploadExpiryMs: 10_000,
  progressIntervalMs: 200,
  releaseIntervalMs: 25,
  chunksPerRelease: 2,
}
const keySerde = serdes.string()

test('an upload becomes an import, its rows contacts and results, and its channel hears of it', () => {
  using stage = open()
  const rows = [...makeContacts({ rows: 300, seed: 7 })]
  const expected = expectedImport(rows)
  stage.upload('i1', { rows: rows.map(({ fields }) => fields), chunkRows: 20 })
  stage.tick(1000)

  expect(stage.summaries('i1').at(-1)).toMatchObject({ state: 'completed', total: 300, channel: 'c1' })
  expect(stage.summaries('i1').at(-1)).toMatchObject({
    succeeded: expected.succeeded,
    failed: expected.failed,
  })
  const contacts = new Map(stage.read<Contact>(TOPICS.contacts))
  expect([...contacts.keys()].sort()).toEqual([...expected.contacts.keys()].sort())
  for (const [email, contact] of expected.contacts) {
    expect(contacts.get(email)).toEqual({ ...contact, importId: 'i1' })
  }
  const results = stage.read<RowResult>(TOPICS.results).map(([, { row }]) => row)
  expect(results.toSorted((a, b) => a - b)).toEqual(rows.map((_, index) => index + 1))
  expect(stage.read<RowFailure>(TOPICS.failures).map(([, { row }]) => row)).toEqual(expected.failedRows)
})

test('nothing is released before the last record, and chunks may come after it, in any order', () => {
  using stage = open()
  const chunks = stage.chunksOf('i1', { rows: rowsOf(6), chunkRows: 2 })
  const [first, second, third, end] = chunks as [UploadRecord, UploadRecord, UploadRecord, UploadRecord]
  stage.pipe('i1', third)
  stage.pipe('i1', first)
  stage.tick(100)
  stage.pipe('i1', end)
  stage.tick(100)
  expect(stage.read(TOPICS.jobs)).toEqual([])
  expect(stage.read(TOPICS.starts)).toEqual([])
  stage.pipe('i1', second)
  stage.tick(100)
  expect(stage.read<ImportJob>(TOPICS.jobs).map(([, { row }]) => row)).toEqual([1, 2, 3, 4, 5, 6])
  expect(stage.read<ImportStart>(TOPICS.starts)).toMatchObject([['i1', { total: 6, channel: 'c1' }]])
  expect(stage.storedChunks()).toBe(0)
})

test('chunks and ends that are sent again do no harm, before and after the release', () => {
  using stage = open()
  const records = stage.chunksOf('i1', { rows: rowsOf(6), chunkRows: 2 })
  const [first, second] = records as [UploadRecord, UploadRecord]
  for (const record of [first, first, second, first]) stage.pipe('i1', record)
  stage.pipe('i1', records.at(-1)!)
  stage.tick(100)
  // Three distinct chunks are needed, and four records have come.
  expect(stage.read(TOPICS.jobs)).toEqual([])
  stage.pipe('i1', records[2]!)
  stage.tick(25)
  for (const record of records) stage.pipe('i1', record)
  stage.tick(1000)
  for (const record of records) stage.pipe('i1', record)
  stage.tick(1000)
  expect(stage.read<ImportJob>(TOPICS.jobs)).toHaveLength(6)
  expect(stage.read(TOPICS.starts)).toHaveLength(1)
  expect(stage.storedChunks()).toBe(0)
})

test('a release takes a bounded number of chunks at a time, from each import in its turn', () => {
  using stage = open()
  stage.upload('large', { rows: rowsOf(20), chunkRows: 2 })
  stage.upload('small', { rows: rowsOf(4), chunkRows: 2 })
  const released = () => stage.read<ImportJob>(TOPICS.jobs).map(([, { importId }]) => importId)
  stage.tick(25)
  expect(released()).toEqual(['large', 'large', 'small', 'small'])
  stage.tick(25)
  expect(released().filter(importId => importId === 'small')).toHaveLength(4)
  expect(released()).toHaveLength(8)
})

test('an upload that never ends expires with its chunks, and counts from its last chunk', () => {
  using stage = open()
  const [first, second] = stage.chunksOf('i1', { rows: rowsOf(6), chunkRows: 2 }) as [
    UploadRecord,
    UploadRecord,
  ]
  stage.pipe('i1', first)
  stage.tick(6000)
  stage.pipe('i1', second)
  stage.tick(6000)
  expect(stage.storedChunks()).toBe(2)
  stage.tick(5000)
  expect(stage.storedChunks()).toBe(0)
  expect(stage.driver.getKeyValueStore('uploads').get('i1')).toBeUndefined()
  expect(stage.read(TOPICS.jobs)).toEqual([])
})

test('a file without rows is complete at once', () => {
  using stage = open()
  stage.upload('i1', { rows: [], chunkRows: 2 })
  expect(stage.summaries('i1')).toMatchObject([{ state: 'completed', total: 0, succeeded: 0, failed: 0 }])
  expect(stage.events('c1').map(({ type }) => type)).toEqual(['started', 'completed'])
})

test('of one address the row with the higher number wins, and both rows succeed', () => {
  using stage = open()
  stage.job('a@b.example', { importId: 'i1', row: 9, fields: ['a@b.example', 'nine', '', ''] })
  stage.job('a@b.example', { importId: 'i1', row: 3, fields: [' A@B.example', 'three', '', ''] })
  const results = stage.read<RowResult>(TOPICS.results).map(([, result]) => result)
  expect(results).toEqual([
    { row: 9, ok: true },
    { row: 3, ok: true },
  ])
  expect(stage.read<Contact>(TOPICS.contacts).map(([, { name }]) => name)).toEqual(['nine'])
  stage.job('a@b.example', { importId: 'i2', row: 1, fields: ['a@b.example', 'later', '', ''] })
  expect(stage.read<Contact>(TOPICS.contacts).at(-1)?.[1]).toMatchObject({ name: 'later', importId: 'i2' })
})

test('rows without an address fail with their reasons, each under a key of its own', () => {
  using stage = open()
  const rows = ['', '  ', 'nobody', `x@${'y'.repeat(300)}`].map(email => [email, '', '', ''] as const)
  stage.upload('i1', { rows, chunkRows: 10 })
  stage.tick(100)
  const results = stage.read<RowResult>(TOPICS.results).map(([, result]) => result)
  expect(results.map(result => !result.ok && result.reason)).toEqual([
    'EMAIL_MISSING',
    'EMAIL_MISSING',
    'EMAIL_INVALID',
    'EMAIL_INVALID',
  ])
  expect(
    stage
      .read(TOPICS.jobs)
      .map(([key]) => key)
      .slice(0, 3),
  ).toEqual(['i1:1', 'i1:2', 'nobody'])
  expect(stage.read<RowFailure>(TOPICS.failures)[2]).toEqual([
    'i1/0000003',
    { row: 3, reason: 'EMAIL_INVALID', email: 'nobody' },
  ])
  expect(stage.read<RowFailure>(TOPICS.failures)[3]?.[1].email).toHaveLength(200)
})

test('results count once, however often and in whatever order they come', () => {
  using stage = open()
  stage.start('i1', 5000)
  for (let row = 5000; row >= 2; row -= 1) {
    stage.result('i1', { row, ok: true })
    if (row % 3 === 0) stage.result('i1', { row, ok: true })
  }
  // More results than rows have come, and one row has not.
  expect(stage.summaries('i1').map(({ state }) => state)).toEqual(['running'])
  stage.result('i1', { row: 1, ok: true })
  expect(stage.summaries('i1').at(-1)).toMatchObject({ state: 'completed', succeeded: 5000, failed: 0 })
  stage.result('i1', { row: 17, ok: true })
  stage.tick(1000)
  expect(stage.summaries('i1').filter(({ state }) => state === 'completed')).toHaveLength(1)
  expect(stage.driver.getKeyValueStore('import-rows').approximateNumEntries()).toBe(0)
})

test('the total may come after the first results, and after all of them', () => {
  using stage = open()
  stage.result('i1', { row: 1, ok: true })
  stage.result('i1', { row: 2, ok: false, reason: 'EMAIL_MISSING', email: '' })
  stage.tick(1000)
  expect(stage.summaries('i1')).toEqual([])
  stage.start('i1', 2)
  expect(stage.summaries('i1')).toMatchObject([{ state: 'completed', total: 2, succeeded: 1, failed: 1 }])
})

test('progress is told at a rhythm, and only where there is any', () => {
  using stage = open()
  stage.start('i1', 10)
  for (let row = 1; row <= 4; row += 1) stage.result('i1', { row, ok: true })
  expect(stage.events('c1')).toMatchObject([{ type: 'started', total: 10 }])
  stage.tick(200)
  expect(stage.events('c1').slice(1)).toMatchObject([{ type: 'progress', succeeded: 4 }])
  stage.tick(2000)
  expect(stage.events('c1')).toHaveLength(2)
})

test('events are numbered by channel, without gaps', () => {
  using stage = open()
  for (const channel of ['a', 'b', 'a']) {
    stage.start(`${channel}${stage.events(channel).length}`, 0, channel)
  }
  expect(stage.events('a').map(({ seq, type }) => [seq, type])).toEqual([
    [1, 'started'],
    [2, 'completed'],
    [3, 'started'],
    [4, 'completed'],
  ])
  expect(stage.events('b').map(({ seq }) => seq)).toEqual([1, 2])
})

test('the push log drops old progress, keeps starts and completions, and forgets what is a day old', () => {
  using stage = open()
  const push = stage.driver.createInputTopic<string, PushEvent>(TOPICS.push, {
    keySerde,
    valueSerde: serdes.json(),
  })
  const event = (seq: number, type: PushEvent['type'], at: number): PushEvent => {
    return { seq, type, importId: 'i1', total: 1, succeeded: 0, failed: 0, at }
  }
  push.pipeInput('c1', event(1, 'started', 0), { timestamp: 0 })
  for (let seq = 2; seq <= 200; seq += 1) push.pipeInput('c1', event(seq, 'progress', 0), { timestamp: 0 })
  const log = stage.driver.getKeyValueStore<string, PushEvent>('push-log')
  const seqs = () => [...log.all()].map(([, { seq }]) => seq)
  expect(seqs()).toEqual([1, ...Array.from({ length: 64 }, (_, index) => 137 + index)])
  const tomorrow = 25 * 3_600_000
  for (let seq = 1; seq <= 128; seq += 1) {
    push.pipeInput('c2', event(seq, 'completed', tomorrow), { timestamp: tomorrow })
  }
  expect(log.get('c1/000000000001')).toBeUndefined()
  expect(seqs()).toHaveLength(128)
})

test('a setting that is unknown, or no whole number, is refused by name', () => {
  expect(() => contactsImport({ chunksPerTick: 3 })).toThrow(
    /"chunksPerTick" is no setting.*chunksPerRelease/,
  )
  expect(() => contactsImport({ chunksPerRelease: '0' })).toThrow(/chunksPerRelease is "0"/)
})

function rowsOf(count: number) {
  return Array.from({ length: count }, (_, index) => [`p${index}@x.example`, '', '', ''] as const)
}

interface UploadOptions {
  readonly rows: readonly (readonly [string, string, string, string])[]
  readonly chunkRows: number
}

function open() {
  const driver = new TopologyTestDriver(contactsImport(SETTINGS))
  const input = <V>(topic: string) =>
    driver.createInputTopic<string, V>(topic, { keySerde, valueSerde: serdes.json() })
  const uploads = driver.createInputTopic(TOPICS.uploads, { keySerde, valueSerde: uploadSerde })
  const jobs = input<ImportJob>(TOPICS.jobs)
  const starts = input<ImportStart>(TOPICS.starts)
  const results = input<RowResult>(TOPICS.results)
  const read = <V>(topic: string): (readonly [string, V])[] =>
    driver.producedRecords(topic).map(({ key, value }) => [text(key), JSON.parse(text(value)) as V] as const)
  const chunksOf = (_importId: string, { rows, chunkRows }: UploadOptions): UploadRecord[] => {
    const records: UploadRecord[] = []
    for (let at = 0; at < rows.length; at += chunkRows) {
      const bytes = Buffer.from(JSON.stringify(rows.slice(at, at + chunkRows)))
      records.push({ kind: 'chunk', index: records.length, firstRow: at + 1, rows: bytes })
    }
    return [...records, { kind: 'end', chunks: records.length, total: rows.length, channel: 'c1' }]
  }
  return {
    driver,
    read,
    chunksOf,
    pipe: (importId: string, record: UploadRecord) => uploads.pipeInput(importId, record),
    upload(importId: string, options: UploadOptions) {
      for (const record of chunksOf(importId, options)) uploads.pipeInput(importId, record)
    },
    job: (key: string, job: ImportJob) => jobs.pipeInput(key, job),
    start: (importId: string, total: number, channel = 'c1') =>
      starts.pipeInput(importId, { total, channel, startedAt: 0 }),
    result: (importId: string, result: RowResult) => results.pipeInput(importId, result),
    /** In steps, as a clock does: a skipped tick is not made up for. */
    tick(ms: number) {
      for (let left = ms; left > 0; left -= 25) driver.advanceWallClockTime(25)
    },
    summaries: (importId: string) =>
      read<ImportSummary>(TOPICS.imports).flatMap(([key, summary]) => (key === importId ? [summary] : [])),
    events: (channel: string) =>
      read<PushEvent & ImportEvent>(TOPICS.push).flatMap(([key, event]) => (key === channel ? [event] : [])),
    storedChunks: () => driver.getKeyValueStore('upload-chunks').approximateNumEntries(),
    [Symbol.dispose]: () => driver.close(),
  }
}

function text(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString('utf8')
}
