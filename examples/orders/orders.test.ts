import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBroker } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { filter, firstValueFrom } from 'rxjs'
import { expect, onTestFinished, test } from 'vitest'
import topology, { customerSerdes, orderSerdes, productSerdes, revenue, views } from './orders.ts'
import { openOrders } from './server.ts'

test('a view has what is known, and follows each of its three tables', () => {
  using driver = new TopologyTestDriver(topology)
  const orders = driver.createInputTopic('orders', orderSerdes)
  const customers = driver.createInputTopic('customers', customerSerdes)
  const products = driver.createInputTopic('products', productSerdes)

  orders.pipeInput('o1', { customer: 'c1', product: 'p1', quantity: 2 })
  expect(driver.store(views).get('o1')).toEqual({ customer: null, title: null, cents: null })
  products.pipeInput('p1', { title: 'Tea', cents: 300 })
  customers.pipeInput('c1', 'Ada')
  expect(driver.store(views).get('o1')).toEqual({ customer: 'Ada', title: 'Tea', cents: 600 })

  products.pipeInput('p1', { title: 'Tea', cents: 350 })
  orders.pipeInput('o2', { customer: 'c1', product: 'p1', quantity: 1 })
  expect([...driver.store(revenue).all()]).toEqual([
    ['Ada', 1050],
    ['unknown', 0],
  ])
  customers.pipeInput('c1', 'Ada Lovelace')
  orders.pipeInput('o1', null)
  expect(driver.store(views).get('o1')).toBeUndefined()
  expect(driver.store(revenue).get('Ada Lovelace')).toBe(350)
})

test('over HTTP: what is put shows in the state when it is committed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'orders-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await using broker = await openBroker('memory')
  const { streams, app } = await openOrders(broker, directory)
  await using _ = streams
  const put = async (path: string, value: unknown) =>
    (await app.request(path, { method: 'PUT', body: JSON.stringify(value) })).status

  const complete = firstValueFrom(streams.changes(views).pipe(filter(({ value }) => value?.cents === 600)))
  expect(await put('/orders/o1', { customer: 'c1', product: 'p1', quantity: 2 })).toBe(202)
  expect(await put('/customers/c1', 'Ada')).toBe(202)
  expect(await put('/products/p1', { title: 'Tea', cents: 300 })).toBe(202)
  expect((await complete).key).toBe('o1')
  const view = await app.request('/state/stores/order-views/o1')
  expect(await view.json()).toMatchObject({ value: { title: 'Tea', cents: 600 } })

  const gone = firstValueFrom(streams.changes(views).pipe(filter(({ value }) => value === null)))
  await app.request('/orders/o1', { method: 'DELETE' })
  await gone
  expect((await app.request('/state/stores/order-views/o1')).status).toBe(404)
})
