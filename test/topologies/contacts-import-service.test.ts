import { connect } from 'node:net'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { TOPICS } from '../../topologies/contacts-import/topics.ts'
import type { ShownImport } from '../../topologies/contacts-import/http/tables.ts'
import { openContactsApp, type ContactsApp } from '../support/contacts-app.ts'
import { contactsCsvText, makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'
import { eventually } from '../support/eventually.ts'
import { readAll } from '../support/topics.ts'

type App = ContactsApp

interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string }
}

async function accepted(app: App, csv: string, channel = 'c1'): Promise<string> {
  const response = await app.upload(csv, channel)
  expect(response.status).toBe(202)
  const { importId } = (await response.json()) as { importId: string }
  return importId
}

async function completed(app: App, importId: string): Promise<ShownImport> {
  return eventually(
    async () => {
      const shown = await app.getJson<ShownImport>(`/imports/${importId}`)
      return shown.state === 'completed' && shown
    },
    { what: `the completion of ${importId}` },
  )
}

test('an uploaded file is imported: counts, contacts, failures and one result a row', async () => {
  await using app = await openContactsApp()
  const options = { rows: 3000, seed: 11 }
  const expected = expectedImport(makeContacts(options))
  const importId = await accepted(app, contactsCsvText(options))
  expect(await app.getJson(`/imports/${importId}`)).toMatchObject({
    state: expect.stringMatching(/running|completed/),
  })
  const { total, succeeded, failed } = await completed(app, importId)
  expect({ total, succeeded, failed }).toEqual({
    total: 3000,
    succeeded: expected.succeeded,
    failed: expected.failed,
  })

  // They are shown by other tasks than the counts, each with its own commit.
  await eventually(async () => expect(await allFailedRows(app, importId)).toEqual(expected.failedRows))
  const contacts = await eventually(async () => {
    const found = await allContacts(app)
    return found.length === expected.contacts.size && found
  })
  const wanted = [...expected.contacts.values()].map(contact => ({ ...contact, importId }))
  expect(contacts).toEqual(wanted.sort((a, b) => (a.email < b.email ? -1 : 1)))
  const results = (await readAll(app.broker, TOPICS.results)).map(
    ({ value }) => (JSON.parse(Buffer.from(value!).toString()) as { row: number }).row,
  )
  expect(results.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1))
})

test('contacts are found by the beginning of their address, whatever its case, and one by one', async () => {
  await using app = await openContactsApp()
  const csv =
    '\ufeffName , E-Mail,EMAIL,extra\nAnn,x, Ann@X.example ,1\nAndy,x,andy@x.example,2\nBob,x,bob@x.example,3\n'
  await completed(app, await accepted(app, csv))
  await eventually(async () => {
    const { contacts } = await app.getJson<{ contacts: { email: string }[] }>('/contacts?prefix=AN')
    return contacts.length === 2 && contacts[0]?.email === 'andy@x.example'
  })
  expect(await app.getJson('/contacts/ANN@x.example')).toMatchObject({ name: 'Ann', phone: '', company: '' })
  const limited = await app.getJson('/contacts?limit=1')
  expect(limited).toMatchObject({ contacts: [{ email: 'andy@x.example' }], next: 'andy@x.example' })
  const missing = await fetch(`${app.url}/contacts/nobody@x.example`)
  expect([missing.status, ((await missing.json()) as ErrorBody).error.code]).toEqual([404, 'UNKNOWN_CONTACT'])
})

test.each([
  ['an open quote', 'email\n"a@b.example\n', 400, 'MALFORMED_CSV', /line \d/],
  ['a row that is too short', 'email,name\na@b.example,A\nb@b.example\n', 400, 'MALFORMED_CSV', /line 3/],
  ['no e-mail column', 'name,phone\nAnn,1\n', 400, 'NO_EMAIL_COLUMN', /name, phone/],
  ['nothing at all', '', 400, 'NO_EMAIL_COLUMN', /empty/],
  ['an endless row', `email\n${'x'.repeat(70_000)}\n`, 413, 'ROW_TOO_LARGE', /65536/],
])('%s is refused, and imports nothing', async (_what, csv, status, code, message) => {
  await using app = await openContactsApp()
  const response = await app.upload(csv)
  const { error } = (await response.json()) as ErrorBody
  expect([response.status, error.code]).toEqual([status, code])
  expect(error.message).toMatch(message)
  await importsNothing(app)
})

test('bytes that are not UTF-8, another content type, another character set and a bad channel are refused', async () => {
  await using app = await openContactsApp()
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as ErrorBody).error.code,
  ]
  const latin = Buffer.from('email,name\na@b.example,J\xfcrgen\n', 'latin1')
  expect(await codeOf(await app.upload(latin))).toEqual([400, 'NOT_UTF8'])
  expect(await codeOf(await app.upload('{}', 'c1', { 'content-type': 'application/json' }))).toEqual([
    415,
    'NOT_CSV',
  ])
  const utf16 = { 'content-type': 'text/csv; charset=utf-16' }
  expect(await codeOf(await app.upload('email\n', 'c1', utf16))).toEqual([415, 'NOT_UTF8'])
  for (const channel of ['', 'a%20b', 'x'.repeat(65)]) {
    expect(await codeOf(await app.upload('email\n', channel))).toEqual([400, 'INVALID_CHANNEL'])
  }
  expect(await codeOf(await fetch(`${app.url}/imports/none`))).toEqual([404, 'UNKNOWN_IMPORT'])
  expect(await codeOf(await fetch(`${app.url}/imports/none/failures?limit=0`))).toEqual([
    400,
    'INVALID_NUMBER',
  ])
  expect(await codeOf(await fetch(`${app.url}/nowhere`))).toEqual([404, 'NOT_FOUND'])
  await importsNothing(app)
})

test('a million rows and one are refused while they come', async () => {
  await using app = await openContactsApp()
  const line = Buffer.from('a@b.example\n'.repeat(10_000))
  let pieces = 0
  const body = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(Buffer.from('email\n')),
    pull: controller => {
      if (pieces > 100) return controller.close()
      controller.enqueue(line)
      pieces += 1
    },
  })
  const response = await app.upload(body)
  expect([response.status, ((await response.json()) as ErrorBody).error.code]).toEqual([413, 'TOO_MANY_ROWS'])
})

test('an upload that breaks off imports nothing, and the next one is served', async () => {
  await using app = await openContactsApp()
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /imports?channel=c1 HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: text/csv\r\ncontent-length: 10000000\r\n\r\n`,
  )
  socket.write(contactsCsvText({ rows: 5000, seed: 3 }))
  await eventually(async () => (await readAll(app.broker, TOPICS.uploads)).length > 0, { what: 'a chunk' })
  socket.destroy()
  const importId = await accepted(app, 'email\na@b.example\n')
  await completed(app, importId)
  expect(await readAll(app.broker, TOPICS.starts)).toHaveLength(1)
})

test('a socket gets every event once and in order, also one that comes late or comes back', async () => {
  // The log keeps 64 of these: whoever is away for longer than it takes to make them misses some.
  await using app = await openContactsApp({ settings: { progressIntervalMs: '50' } })
  using early = app.listen('c1')
  const importId = await accepted(app, contactsCsvText({ rows: 20_000, seed: 5 }))
  await eventually(() => early.events.length >= 2)
  const seen = [...early.events]
  early.socket.terminate()
  using back = app.listen('c1', seen.at(-1)!.seq)
  using other = app.listen('c2')
  await eventually(() => back.events.at(-1)?.type === 'completed')
  using late = app.listen('c1')
  await eventually(() => late.events.at(-1)?.type === 'completed')

  const whole = [...seen, ...back.events]
  expect(whole.map(({ seq }) => seq)).toEqual(whole.map((_, index) => index + 1))
  expect(whole.map(({ type }) => type)).toEqual([
    'started',
    ...Array.from({ length: whole.length - 2 }, () => 'progress'),
    'completed',
  ])
  const counts = whole.map(({ succeeded, failed }) => succeeded + failed)
  expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  expect(whole.at(-1)).toMatchObject({ importId, total: 20_000 })
  // Of long runs the log keeps the newest progress only; starts and completions are all there.
  expect(whole).toEqual(expect.arrayContaining([...late.events]))
  expect(late.events.filter(({ type }) => type !== 'progress').map(({ type }) => type)).toEqual([
    'started',
    'completed',
  ])
  expect(other.events).toEqual([])
})

test('a socket with a bad channel, a bad number, a wrong path or a foreign origin gets an answer instead', async () => {
  await using app = await openContactsApp()
  const statusOf = (path: string, headers = {}) =>
    new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(app.url.replace('http', 'ws') + path, { headers })
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => reject(new Error('it was accepted')))
      socket.on('error', () => undefined)
    })
  expect(await statusOf('/ws')).toBe(400)
  expect(await statusOf('/ws?channel=a/b')).toBe(400)
  expect(await statusOf('/ws?channel=a&lastSeq=x')).toBe(400)
  expect(await statusOf('/other?channel=a')).toBe(404)
  expect(await statusOf('/ws?channel=a', { origin: 'http://elsewhere.example' })).toBe(403)
  expect(await (await fetch(`${app.url}/healthz`)).json()).toEqual({ state: 'running' })
})

test('closing sends the browsers away and leaves nothing behind', async () => {
  const app = await openContactsApp()
  using listener = app.listen('c1')
  await eventually(() => listener.socket.readyState === WebSocket.OPEN)
  const closed = new Promise<number>(resolve => listener.socket.on('close', resolve))
  await app[Symbol.asyncDispose]()
  expect(await closed).toBe(1001)
  await expect(fetch(`${app.url}/healthz`)).rejects.toThrow()
})

async function importsNothing(app: App): Promise<void> {
  const importId = await accepted(app, 'email\n')
  await completed(app, importId)
  const starts = await readAll(app.broker, TOPICS.starts)
  expect(starts.map(({ key }) => Buffer.from(key!).toString())).toEqual([importId])
}

async function allFailedRows(app: App, importId: string): Promise<number[]> {
  const rows: number[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const path = `/imports/${importId}/failures?after=${after}&limit=100`
    const page: { failures: { row: number }[]; next?: number } = await app.getJson(path)
    rows.push(...page.failures.map(({ row }) => row))
    after = page.next
  }
  return rows
}

async function allContacts(app: App): Promise<{ email: string }[]> {
  const contacts: { email: string }[] = []
  for (let after: string | undefined = ''; after !== undefined;) {
    const path = `/contacts?after=${encodeURIComponent(after)}&limit=500`
    const page: { contacts: { email: string }[]; next?: string } = await app.getJson(path)
    contacts.push(...page.contacts)
    after = page.next
  }
  return contacts
}
