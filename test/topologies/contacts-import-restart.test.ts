import { openBroker } from 'millrace'
import { expect, onTestFinished, test } from 'vitest'
import { TOPICS } from '../../topologies/contacts-import/topics.ts'
import { openContactsApp, type Accepted, type ContactsApp } from '../support/contacts-app.ts'
import { contactsCsvText, makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readAll, textOf } from '../support/topics.ts'

const OPTIONS = { rows: 12_000, seed: 31 }

async function upload(app: ContactsApp): Promise<Accepted> {
  return (await (await app.upload(contactsCsvText(OPTIONS))).json()) as Accepted
}

test('an application that is closed in the middle goes on where it was, and its browser with it', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const stateDir = await temporaryDirectory()
  const expected = expectedImport(makeContacts(OPTIONS))
  const open = () => openContactsApp({ broker, stateDir })

  const first = await open()
  const file = await upload(first)
  using before = first.listen(file)
  await eventually(() => before.events.at(-1)?.type === 'progress')
  const closed = new Promise(resolve => before.socket.on('close', resolve))
  await first[Symbol.asyncDispose]()
  await closed
  expect(before.events.at(-1)?.type).toBe('progress')

  await using second = await open()
  using after = second.listen(file, before.events.at(-1)!.seq)
  await eventually(() => after.events.at(-1)?.type === 'completed')
  const events = [...before.events, ...after.events]
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.filter(({ type }) => type !== 'progress').map(({ type }) => type)).toEqual([
    'started',
    'completed',
  ])
  expect(events.at(-1)).toMatchObject({ succeeded: expected.succeeded, failed: expected.failed })

  const results = (await readAll(broker, TOPICS.results)).map(
    ({ value }) => JSON.parse(textOf(value)!) as { row?: number },
  )
  expect(results.flatMap(({ row }) => row ?? []).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: OPTIONS.rows }, (_, index) => index + 1),
  )
})

test('two processes share the work, and a browser hears of it from either', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const expected = expectedImport(makeContacts(OPTIONS))
  const open = async () => openContactsApp({ broker, stateDir: await temporaryDirectory() })
  await using first = await open()
  await using second = await open()
  const file = await upload(first)
  using here = first.listen(file)
  using there = second.listen(file)
  for (const listener of [here, there]) {
    await eventually(() => listener.events.at(-1)?.type === 'completed')
    expect(listener.events.map(({ seq }) => seq)).toEqual(listener.events.map((_, index) => index + 1))
    expect(listener.events.at(-1)).toMatchObject({ succeeded: expected.succeeded, failed: expected.failed })
  }
  const failures = async (app: ContactsApp) => {
    const { entries } = await app.get<{ entries: object[] }>(
      `/stores/failures?prefix=${file.importId}&limit=1000`,
    )
    return entries.length
  }
  for (const app of [first, second]) await eventually(async () => (await failures(app)) === expected.failed)
})
