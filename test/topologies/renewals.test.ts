import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openBroker } from 'millrace'
import { expect, onTestFinished, test } from 'vitest'
import * as renewals from '../../topologies/renewals.ts'
import { CHARGE, SCHEDULE, type Charge } from '../../topologies/renewals/records.ts'
import type { State } from '../../topologies/renewals/state.ts'
import { eventually } from '../support/eventually.ts'
import { openTopologyApp, type TopologyAppOptions } from '../support/topology-app.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readAll, textOf } from '../support/topics.ts'

/** Every half second, so that a test has something to see. */
const file = (every = '500') => ({ ...renewals, config: {}, default: renewals.default({ every }) })
const open = (options: Partial<TopologyAppOptions> = {}, every?: string) =>
  openTopologyApp(file(every), { applicationId: 'renewals', ...options })

const CUSTOMERS = 12

type App = Awaited<ReturnType<typeof open>>

const stateOf = (app: App) => app.get<State>('/state')
const chargesOf = async (app: App) => (await stateOf(app)).charges
const waitFor = (app: App, count: number) =>
  eventually(async () => (await stateOf(app)).customers.every(({ waiting }) => waiting.length === count))
const lettersOf = async ({ streams }: App) => {
  const found = []
  for await (const { letter } of streams.deadLetters().list({ operator: CHARGE })) found.push(letter)
  return found
}
const customerOf = async (app: App, id: string) =>
  (await stateOf(app)).customers.find(each => each.id === id)!

/** The provider's books: each key is charged once, and those of a customer in the order of their times. */
async function expectBooks(app: Pick<App, 'broker'>): Promise<number> {
  const records = await readAll(app.broker, 'provider-charges')
  const keys = records.map(({ key }) => textOf(key))
  expect(new Set(keys).size).toBe(keys.length)
  const byCustomer = new Map<string, number[]>()
  for (const { value } of records) {
    const { customer, dueMs } = JSON.parse(textOf(value)!) as Charge
    byCustomer.set(customer, [...(byCustomer.get(customer) ?? []), dueMs])
  }
  for (const [customer, times] of byCustomer) {
    expect(times, customer).toEqual([...times].sort((left, right) => left - right))
    // One renewal for each time of the schedule.
    expect(new Set(times).size, customer).toBe(times.length)
  }
  return records.length
}

test('renews all on schedule, each once, while the provider is up, fails, and is down', async () => {
  await using app = await open()
  await eventually(async () => (await chargesOf(app)) >= CUSTOMERS)
  expect((await app.request('PUT', '/provider', { is: 'failing' })).status).toBe(204)
  const before = await chargesOf(app)
  await eventually(async () => (await chargesOf(app)) >= before + 2 * CUSTOMERS)
  await app.request('PUT', '/provider', { is: 'down' })
  await eventually(async () => (await stateOf(app)).customers.every(({ waiting }) => waiting.length >= 2))
  const down = (await stateOf(app)).customers
  // Those behind wait for the first of their customer, in order.
  for (const { waiting } of down) expect(waiting.slice(1).every(({ state }) => state === 'behind')).toBe(true)
  await app.streams.schedules().pause(SCHEDULE)
  await app.request('PUT', '/provider', { is: 'up' })
  await waitFor(app, 0)
  // An outage has cost nobody a renewal.
  expect(await lettersOf(app)).toEqual([])
  const { customers } = await stateOf(app)
  expect(await expectBooks(app)).toBe(customers.reduce((sum, { charges }) => sum + charges, 0))
  const requests = (await readAll(app.broker, 'renewals')).length
  await eventually(async () => (await readAll(app.broker, 'receipts')).length === requests)
})

test('a stolen card is given up and replayed; a failing one holds up its customer alone; a skip ends one', async () => {
  await using app = await open({}, '3600000')
  const control = app.streams.control()
  await eventually(async () => (await stateOf(app)).customers.length === CUSTOMERS)
  await app.request('PUT', '/customers/u01/card', { is: 'stolen' })
  await app.request('PUT', '/customers/u02/card', { is: 'failing' })
  await control.pause({ operator: CHARGE, key: 'u03' })
  await app.streams.schedules().trigger(SCHEDULE)
  await eventually(async () => (await lettersOf(app)).length === 1)
  await eventually(async () => (await chargesOf(app)) === CUSTOMERS - 3)
  expect(await lettersOf(app)).toMatchObject([
    { reason: 'non-retriable', lastError: { message: 'the card was reported stolen' } },
  ])
  expect(await customerOf(app, 'u02')).toMatchObject({
    card: 'failing',
    waiting: [{ state: 'parked', error: 'the bank of this card does not answer' }],
  })
  expect(await customerOf(app, 'u03')).toMatchObject({ charges: 0, waiting: [{ state: 'paused' }] })
  const failing = app.streams.waitingRecords({ operator: CHARGE }).find(({ key }) => key === 'u02')
  await control.skip({ operator: CHARGE, letter: failing!.id })
  await eventually(async () => (await lettersOf(app)).some(({ reason }) => reason === 'skipped'))
  expect((await customerOf(app, 'u02')).waiting).toEqual([])
  await control.resume({ operator: CHARGE, key: 'u03' })
  for (const id of ['u01', 'u02']) await app.request('PUT', `/customers/${id}/card`, { is: 'good' })
  expect((await app.streams.deadLetters().replay({ operator: CHARGE })).letters).toHaveLength(2)
  await eventually(async () => (await chargesOf(app)) === CUSTOMERS)
  await eventually(async () => (await lettersOf(app)).length === 0)
  expect(await expectBooks(app)).toBe(CUSTOMERS)
})

test('what waits, who is paused, and how the provider is, is there after a restart', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const stateDir = await temporaryDirectory()
  {
    await using app = await open({ broker, stateDir }, '3600000')
    await app.request('PUT', '/provider', { is: 'down' })
    await app.streams.control().pause({ operator: CHARGE, key: 'u05' })
    await app.streams.schedules().pause(SCHEDULE)
    await app.streams.schedules().trigger(SCHEDULE)
    await waitFor(app, 1)
  }
  await using again = await open({ broker, stateDir }, '3600000')
  await waitFor(again, 1)
  expect((await stateOf(again)).mode).toBe('down')
  expect(await again.streams.schedules().list()).toMatchObject([
    { id: SCHEDULE, paused: expect.anything() as unknown },
  ])
  const states = (await stateOf(again)).customers.map(({ id, waiting }) => [id, waiting[0]!.state])
  expect(states.filter(([, state]) => state === 'paused')).toEqual([['u05', 'paused']])
  await again.request('PUT', '/provider', { is: 'up' })
  await eventually(async () => (await chargesOf(again)) === CUSTOMERS - 1)
  await again.streams.control().resume({ operator: CHARGE, key: 'u05' })
  await eventually(async () => (await chargesOf(again)) === CUSTOMERS)
  expect(await expectBooks(again)).toBe(CUSTOMERS)
})

test('a provider outside is asked over HTTP, with the same key at each try', async () => {
  const keys: (string | undefined)[] = []
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined)
    const isFirst = keys.filter(key => key === keys.at(-1)).length === 1
    response.writeHead(isFirst ? 503 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isFirst ? { error: { message: 'not now' } } : { chargedMs: 1 }))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const provider = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const outside = { ...file(), default: renewals.default({ every: '3600000', provider }) }
  await using app = await openTopologyApp(outside, { applicationId: 'renewals' })
  await eventually(async () => (await stateOf(app)).customers.length === CUSTOMERS)
  await app.streams.schedules().trigger(SCHEDULE)
  await eventually(async () => (await readAll(app.broker, 'receipts')).length === CUSTOMERS)
  expect(new Set(keys).size).toBe(CUSTOMERS)
  expect(keys).toHaveLength(2 * CUSTOMERS)
  expect(await chargesOf(app)).toBe(0)
})

test.each([
  ['PUT', '/provider', { is: 'broken' }, 400, 'it must be one of up, failing, slow, down'],
  ['PUT', '/provider', undefined, 400, 'the body must be a JSON object'],
  ['PUT', '/customers/u01/card', { is: 'up' }, 400, 'it must be one of good, failing, stolen'],
  ['POST', '/provider/charges/u01', {}, 400, 'a charge needs the header Idempotency-Key'],
  ['GET', '/nothing', undefined, 404, 'there is nothing at /nothing'],
] as const)('%s %s with %j is answered %i', async (method, path, body, status, message) => {
  await using app = await open({}, '3600000')
  expect(await app.request(method, path, body)).toMatchObject({ status, body: { error: { message } } })
})
