import { expect, test } from 'vitest'
import * as renewals from '../../topologies/renewals.ts'
import type { State } from '../../topologies/renewals/board.ts'
import type { Charge } from '../../topologies/renewals/records.ts'
import { eventually } from '../support/eventually.ts'
import { openTopologyApp, type TopologyAppOptions } from '../support/topology-app.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readAll, textOf } from '../support/topics.ts'
import { openBroker } from 'millrace'
import { onTestFinished } from 'vitest'

/** Every half second, so that a test has something to see. */
const file = (every = '500') => ({ ...renewals, config: {}, default: renewals.default({ every }) })
const open = (options: Partial<TopologyAppOptions> = {}, every?: string) =>
  openTopologyApp(file(every), { applicationId: 'renewals', ...options })

const CUSTOMERS = 12

type App = Awaited<ReturnType<typeof open>>

const stateOf = (app: App) => app.get<State>('/state')
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
  await eventually(async () => (await stateOf(app)).provider.charges >= CUSTOMERS)
  expect((await app.request('PUT', '/provider', { is: 'failing' })).status).toBe(204)
  const before = (await stateOf(app)).provider.charges
  await eventually(async () => (await stateOf(app)).provider.charges >= before + 2 * CUSTOMERS)
  await app.request('PUT', '/provider', { is: 'down' })
  await eventually(async () => (await stateOf(app)).customers.every(({ waiting }) => waiting.length >= 2))
  const down = (await stateOf(app)).customers
  // Those behind wait for the first of their customer, in order.
  for (const { waiting } of down) expect(waiting.slice(1).every(({ state }) => state === 'behind')).toBe(true)
  await app.request('POST', '/schedule/pause')
  await app.request('PUT', '/provider', { is: 'up' })
  await eventually(async () => (await stateOf(app)).customers.every(({ waiting }) => waiting.length === 0))
  const { schedule, letters, customers } = await stateOf(app)
  expect(schedule.isPaused).toBe(true)
  // An outage has cost nobody a renewal.
  expect(letters).toEqual([])
  expect(await expectBooks(app)).toBe(customers.reduce((sum, { charges }) => sum + charges, 0))
  const requests = (await readAll(app.broker, 'renewals')).length
  await eventually(async () => (await readAll(app.broker, 'receipts')).length === requests)
})

test('a stolen card is given up and replayed; a failing one holds up its customer alone; a skip ends one', async () => {
  await using app = await open({}, '3600000')
  await eventually(async () => (await stateOf(app)).customers.length === CUSTOMERS)
  await app.request('PUT', '/customers/u01/card', { is: 'stolen' })
  await app.request('PUT', '/customers/u02/card', { is: 'failing' })
  await app.request('POST', '/customers/u03/pause')
  expect((await app.request('POST', '/schedule/trigger')).status).toBe(204)
  await eventually(async () => (await stateOf(app)).letters.length === 1)
  await eventually(async () => (await stateOf(app)).provider.charges === CUSTOMERS - 3)
  const state = await stateOf(app)
  expect(state.letters).toMatchObject([
    { customer: 'u01', reason: 'non-retriable', error: 'the card was reported stolen' },
  ])
  expect(await customerOf(app, 'u02')).toMatchObject({
    waiting: [{ state: 'parked', error: 'the bank of this card does not answer' }],
  })
  expect(await customerOf(app, 'u03')).toMatchObject({ isPaused: true, waiting: [{ state: 'paused' }] })
  const [failing] = (await customerOf(app, 'u02')).waiting
  await app.request('POST', `/renewals/${failing!.id}/skip`)
  await eventually(async () => (await stateOf(app)).letters.some(({ reason }) => reason === 'skipped'))
  expect((await customerOf(app, 'u02')).waiting).toEqual([])
  await app.request('POST', '/customers/u03/resume')
  for (const id of ['u01', 'u02']) await app.request('PUT', `/customers/${id}/card`, { is: 'good' })
  expect((await app.request('POST', '/letters/replay', {})).body).toEqual({ letters: 2 })
  await eventually(async () => (await stateOf(app)).provider.charges === CUSTOMERS)
  await eventually(async () => (await stateOf(app)).letters.length === 0)
  expect(await expectBooks(app)).toBe(CUSTOMERS)
})

test('what waits, and who is paused, is there after a restart', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  const stateDir = await temporaryDirectory()
  {
    await using app = await open({ broker, stateDir }, '3600000')
    await app.request('PUT', '/provider', { is: 'down' })
    await app.request('POST', '/customers/u05/pause')
    await app.request('POST', '/schedule/pause')
    await app.request('POST', '/schedule/trigger')
    await eventually(async () => (await stateOf(app)).customers.every(({ waiting }) => waiting.length === 1))
  }
  await using again = await open({ broker, stateDir }, '3600000')
  const { customers, schedule } = await eventually(async () => {
    const state = await stateOf(again)
    return state.customers.every(({ waiting }) => waiting.length === 1) && state
  })
  expect(schedule.isPaused).toBe(true)
  expect(customers.filter(({ isPaused }) => isPaused).map(({ id }) => id)).toEqual(['u05'])
  await again.request('PUT', '/provider', { is: 'up' })
  await eventually(async () => (await stateOf(again)).provider.charges === CUSTOMERS - 1)
  await again.request('POST', '/customers/u05/resume')
  await eventually(async () => (await stateOf(again)).provider.charges === CUSTOMERS)
  expect(await expectBooks(again)).toBe(CUSTOMERS)
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
