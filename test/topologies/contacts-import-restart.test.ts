import { openBroker } from 'millrace'
import { expect, onTestFinished, test } from 'vitest'
import type { ShownImport } from '../../topologies/contacts-import/http/tables.ts'
import { TOPICS } from '../../topologies/contacts-import/topics.ts'
import { openContactsApp, type ContactsApp } from '../support/contacts-app.ts'
import { contactsCsvText, makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readAll } from '../support/topics.ts'

const OPTIONS = { rows: 12_000, seed: 31 }
const SETTINGS = { progressIntervalMs: '20' }

async function rowsDone(app: ContactsApp, importId: string): Promise<number> {
  const { succeeded, failed } = await app.getJson<ShownImport>(`/imports/${importId}`)
  return succeeded + failed
}

async function upload(app: ContactsApp): Promise<string> {
  const response = await app.upload(contactsCsvText(OPTIONS), 'c1')
  return ((await response.json()) as { importId: string }).importId
}

test('an application that is closed in the middle goes on where it was, and its browser with it', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const stateDir = await temporaryDirectory()
  const expected = expectedImport(makeContacts(OPTIONS))
  const open = () => openContactsApp({ broker, stateDir, settings: SETTINGS })

  const first = await open()
  using before = first.listen('c1')
  const importId = await upload(first)
  await eventually(async () => (await rowsDone(first, importId)) > 1000)
  // The table may be ahead of the channel.
  await eventually(() => before.events.at(-1)?.type === 'progress')
  const closed = new Promise(resolve => before.socket.on('close', resolve))
  await first[Symbol.asyncDispose]()
  await closed
  expect(before.events.at(-1)?.type).toBe('progress')

  await using second = await open()
  using after = second.listen('c1', before.events.at(-1)!.seq)
  await eventually(() => after.events.at(-1)?.type === 'completed')
  const events = [...before.events, ...after.events]
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.filter(({ type }) => type !== 'progress').map(({ type }) => type)).toEqual([
    'started',
    'completed',
  ])
  expect(events.at(-1)).toMatchObject({ succeeded: expected.succeeded, failed: expected.failed })

  const results = await readAll(broker, TOPICS.results)
  const rows = results.map(({ value }) => (JSON.parse(Buffer.from(value!).toString()) as { row: number }).row)
  expect(rows.toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: OPTIONS.rows }, (_, index) => index + 1),
  )
})

test('a running import tells its progress again after a restart, without a new row', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const stateDir = await temporaryDirectory()
  // Nothing is released any more once the first chunks are: the import stays where it is.
  const stuck = { progressIntervalMs: '20', releaseIntervalMs: '3600000' }
  const first = await openContactsApp({ broker, stateDir, settings: stuck })
  using before = first.listen('c1')
  await upload(first)
  await eventually(() => before.events.length > 0)
  await first[Symbol.asyncDispose]()

  await using second = await openContactsApp({ broker, stateDir, settings: stuck })
  using after = second.listen('c1', before.events.at(-1)!.seq)
  await eventually(() => after.events.length > 0)
  expect(after.events[0]).toMatchObject({ type: 'progress', succeeded: 0, failed: 0, total: OPTIONS.rows })
})

test('two processes share the work, and a browser hears of it from either', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const expected = expectedImport(makeContacts(OPTIONS))
  const open = async () =>
    openContactsApp({ broker, stateDir: await temporaryDirectory(), settings: SETTINGS })
  await using first = await open()
  await using second = await open()
  using here = first.listen('c1')
  using there = second.listen('c1')
  const importId = await upload(first)
  for (const listener of [here, there]) {
    await eventually(() => listener.events.at(-1)?.type === 'completed')
    expect(listener.events.map(({ seq }) => seq)).toEqual(listener.events.map((_, index) => index + 1))
    expect(listener.events.at(-1)).toMatchObject({ succeeded: expected.succeeded, failed: expected.failed })
  }
  await eventually(async () => {
    const shown = await second.getJson<ShownImport>(`/imports/${importId}`)
    return shown.state === 'completed'
  })
})
