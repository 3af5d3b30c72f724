import { connect } from 'node:net'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { TOPICS } from '../../topologies/contacts-import/topics.ts'
import type { GatheredBatch } from 'millrace'
import { openContactsApp, type Accepted, type ContactsApp } from '../support/contacts-app.ts'
import { contactsCsvText, makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'
import { eventually } from '../support/eventually.ts'
import { readAll, textOf } from '../support/topics.ts'

type App = ContactsApp

interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string }
}

async function accepted(app: App, csv: string | Uint8Array): Promise<Accepted> {
  const response = await app.upload(csv)
  expect(response.status).toBe(202)
  return (await response.json()) as Accepted
}

async function completed(app: App, { importId }: Accepted): Promise<GatheredBatch> {
  return eventually(
    async () => {
      const shown = await app.importOf(importId)
      return shown?.state === 'completed' && shown
    },
    { what: `the completion of ${importId}` },
  )
}

test('an uploaded file is imported: counts, contacts, failures and one result a row', async () => {
  await using app = await openContactsApp()
  const options = { rows: 3000, seed: 11 }
  const expected = expectedImport(makeContacts(options))
  const file = await accepted(app, contactsCsvText(options))
  const { total, succeeded, failed } = await completed(app, file)
  expect({ total, succeeded, failed }).toEqual({
    total: 3000,
    succeeded: expected.succeeded,
    failed: expected.failed,
  })

  // They are shown by other tasks than the counts, each with its own commit.
  await eventually(async () => expect(await allFailedRows(app, file)).toEqual(expected.failedRows))
  const contacts = await eventually(async () => {
    const found = await all<{ email: string }>(app, '/stores/contacts?limit=500')
    return found.length === expected.contacts.size && found
  })
  const wanted = [...expected.contacts.values()].map(contact => ({ ...contact, importId: file.importId }))
  expect(contacts).toEqual(wanted.sort((a, b) => (a.email < b.email ? -1 : 1)))
  expect(await resultRows(app)).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1))
})

test('failed rows come back as a file that can be corrected and taken again', async () => {
  await using app = await openContactsApp()
  const csv = 'name,email,phone\n"Ann ""A""",nobody,+44 1\nBob,b@x.example,\n"C\nD",,\n'
  const file = await accepted(app, csv)
  await completed(app, file)
  await eventually(async () => (await allFailedRows(app, file)).length === 2)
  const answer = await fetch(`${app.url}/imports/${file.importId}/failures.csv`)
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="failed-rows.csv"')
  const failed = await answer.text()
  expect(failed).toBe(
    'email,name,phone,company,row,reason\r\n' +
      'nobody,"Ann ""A""",+44 1,,1,EMAIL_INVALID\r\n' +
      ',"C\nD",,,3,EMAIL_MISSING\r\n',
  )
  const corrected = failed.replace('nobody', 'ann@x.example').replace('\r\n,', '\r\ncd@x.example,')
  expect(await completed(app, await accepted(app, corrected))).toMatchObject({ succeeded: 2, failed: 0 })
  const { value } = await eventually(() =>
    app.get<{ value: object }>('/stores/contacts/cd@x.example').then(found => 'value' in found && found),
  )
  expect(value).toMatchObject({ name: 'C\nD', row: 2 })
})

const utf16 = (text: string, mark = '') => Buffer.from(mark + text, 'utf16le')
const semicolons = 'Name;E-mail;Phone\r\n"Jürgen; J.";j@x.example;1\r\nAnn;a@x.example;2\r\n'

test.each([
  ['semicolons, and E-mail as Excel writes it', semicolons],
  ['tabs, and UTF-16 with a mark', utf16(semicolons.replaceAll(';', '\t').replace('\t ', '; '), '\ufeff')],
  ['UTF-16 without a mark', utf16(semicolons)],
  ['UTF-16 of the other order without a mark', utf16(semicolons).swap16()],
  ['a mark, commas, and a column email beside E-Mail', `\ufeff${commas()}`],
])('%s: is taken', async (_what, csv) => {
  await using app = await openContactsApp()
  expect(await completed(app, await accepted(app, csv))).toMatchObject({ succeeded: 2, failed: 0 })
  const found = await eventually(async () => {
    const contacts = await all<object>(app, '/stores/contacts')
    return contacts.length === 2 && contacts
  })
  expect(found).toMatchObject([
    { email: 'a@x.example', name: 'Ann' },
    { email: 'j@x.example', name: 'Jürgen; J.' },
  ])
})

function commas(): string {
  return 'Name , E-Mail,EMAIL,extra\nJürgen; J.,x, J@X.example ,1\nAnn,x,a@x.example,2\n'
}

test('contacts are found by the beginning of their address, and one by one', async () => {
  await using app = await openContactsApp()
  await completed(app, await accepted(app, 'email\nann@x.example\nandy@x.example\nbob@x.example\n'))
  await eventually(async () => (await all(app, '/stores/contacts')).length === 3)
  expect(await all(app, '/stores/contacts?prefix=an')).toMatchObject([
    { email: 'andy@x.example' },
    { email: 'ann@x.example' },
  ])
  const { body, status } = await app.request('GET', '/stores/contacts/nobody@x.example')
  expect([status, (body as ErrorBody).error.code]).toEqual([404, 'KEY_NOT_FOUND'])
})

const long = 'x,"a\nb"\n'.repeat(50)

test.each([
  ['an open quote', `email,name\n${long}x,"open\n${long}`, 400, 'MALFORMED_CSV', /line 102: the quote/],
  ['an open quote at the end', `email,name\nx,"m\nm"\n\ny,"o\nx\n`, 400, 'MALFORMED_CSV', /line 5:/],
  [
    'an open quote behind cells of several lines, with the line ends of Windows',
    'email,name\r\nx,"m\r\nm"\r\nz,"a\nb"\r\ny,"o\r\nx\r\n',
    400,
    'MALFORMED_CSV',
    /line 6:/,
  ],
  [
    'a short row behind a cell of two lines',
    'email,name\r\nx,"m\r\nm"\r\ny\r\n',
    400,
    'MALFORMED_CSV',
    /line 4/,
  ],
  ['an open quote in a large file', `email\na\n"b\n${'c\n'.repeat(50_000)}`, 400, 'MALFORMED_CSV', /line 3:/],
  ['a row that is too short', 'email,name\na@b.example,A\nb@b.example\n', 400, 'MALFORMED_CSV', /line 3/],
  ['no e-mail column', 'name,phone\nAnn,1\n', 400, 'NO_EMAIL_COLUMN', /name, phone/],
  ['nothing at all', '', 400, 'NO_EMAIL_COLUMN', /empty/],
  ['an endless row', `email\n${'x'.repeat(70_000)}\n`, 413, 'ROW_TOO_LARGE', /line 2: .*65536/],
])('%s is refused, and imports nothing', async (_what, csv, status, code, message) => {
  await using app = await openContactsApp()
  const response = await app.upload(csv)
  const { error } = (await response.json()) as ErrorBody
  expect([response.status, error.code]).toEqual([status, code])
  expect(error.message).toMatch(message)
  await importsNothing(app)
})

test('bytes that are not UTF-8, another content type and another character set are refused', async () => {
  await using app = await openContactsApp()
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as ErrorBody).error.code,
  ]
  const latin = Buffer.from('email,name\na@b.example,J\xfcrgen\n', 'latin1')
  expect(await codeOf(await app.upload(latin))).toEqual([400, 'NOT_UTF8'])
  const json = { 'content-type': 'application/json' }
  expect(await codeOf(await app.upload('{}', json))).toEqual([415, 'NOT_CSV'])
  const charset = { 'content-type': 'text/csv; charset=iso-8859-1' }
  expect(await codeOf(await app.upload('email\n', charset))).toEqual([415, 'NOT_UTF8'])
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
    `POST /imports HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: text/csv\r\ncontent-length: 10000000\r\n\r\n`,
  )
  socket.write(contactsCsvText({ rows: 5000, seed: 3 }))
  await eventually(async () => (await readAll(app.broker, TOPICS.uploads)).length > 0, { what: 'a chunk' })
  socket.destroy()
  await completed(app, await accepted(app, 'email\na@b.example\n'))
  expect(await begun(app)).toHaveLength(1)
})

test('a channel gives every event once and in order, also to who comes late or comes back', async () => {
  await using app = await openContactsApp()
  const file = await accepted(app, contactsCsvText({ rows: 20_000, seed: 5 }))
  using early = app.listen(file)
  await eventually(() => early.events.length >= 2)
  const seen = [...early.events]
  early.socket.terminate()
  using back = app.listen(file, seen.at(-1)!.seq)
  await eventually(() => back.events.at(-1)?.type === 'completed')
  using late = app.listen(file)
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
  expect(whole.at(-1)).toMatchObject({ total: 20_000 })
  expect(late.events).toEqual(whole)
})

test('a token opens the channel of its import only, and pages of another host none', async () => {
  await using app = await openContactsApp()
  const { importId, token } = await accepted(app, 'email\n')
  const other = await accepted(app, 'email\n')
  const statusOf = (query: string, headers = {}) =>
    new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(`${app.url.replace('http', 'ws')}/push/events?${query}`, { headers })
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => reject(new Error('it was accepted')))
      socket.on('error', () => undefined)
    })
  expect(await statusOf(`channel=${importId}`)).toBe(401)
  expect(await statusOf(`channel=${importId}&token=${token.slice(0, -3)}AAA`)).toBe(401)
  expect(await statusOf(`channel=${other.importId}&token=${token}`)).toBe(403)
  const foreign = { origin: 'http://elsewhere.example' }
  expect(await statusOf(`channel=${importId}&token=${token}`, foreign)).toBe(403)
  expect(await app.get('/health/ready')).toMatchObject({ state: 'running' })
})

test('closing sends the browsers away and leaves nothing behind', async () => {
  const app = await openContactsApp()
  using listener = app.listen(await accepted(app, 'email\n'))
  await eventually(() => listener.socket.readyState === WebSocket.OPEN)
  const closed = new Promise<number>(resolve => listener.socket.on('close', resolve))
  await app[Symbol.asyncDispose]()
  expect(await closed).toBe(1001)
  await expect(fetch(`${app.url}/health/ready`)).rejects.toThrow()
})

async function importsNothing(app: App): Promise<void> {
  const file = await accepted(app, 'email\n')
  await completed(app, file)
  expect(await begun(app)).toEqual([file.importId])
}

/** Imports that were begun, by their totals. */
async function begun(app: App): Promise<string[]> {
  const results = await readAll(app.broker, TOPICS.results)
  return results.filter(({ value }) => textOf(value)!.includes('total')).map(({ key }) => textOf(key)!)
}

async function resultRows(app: App): Promise<number[]> {
  const results = (await readAll(app.broker, TOPICS.results)).map(
    ({ value }) => JSON.parse(textOf(value)!) as { row?: number },
  )
  return results.flatMap(({ row }) => row ?? []).toSorted((a, b) => a - b)
}

async function allFailedRows(app: App, { importId }: Accepted): Promise<number[]> {
  const failures = await all<{ row: number }>(app, `/stores/failures?prefix=${importId}/&limit=100`)
  return failures.map(({ row }) => row)
}

async function all<V>(app: App, path: string): Promise<V[]> {
  const values: V[] = []
  let cursor = ''
  for (;;) {
    const url = `${path}${path.includes('?') ? '&' : '?'}${cursor}`
    const page = await app.get<{ entries: { value: V }[]; next: string | null }>(url)
    values.push(...page.entries.map(({ value }) => value))
    if (page.next === null) return values
    cursor = `cursor=${encodeURIComponent(page.next)}`
  }
}
