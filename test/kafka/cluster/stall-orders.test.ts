import { expect, test } from 'vitest'
import { StallOrders, type StallOrder } from './stall-orders.ts'

const BLOCK_MS = 30

function orders() {
  const said: (string | undefined)[] = []
  const subject = new StallOrders(step => void said.push(step))
  return { subject, said, give: (order: StallOrder) => subject.take(JSON.stringify(order)) }
}

test('a process that is told to block does so at once, having said so', () => {
  const { said, give } = orders()
  const startMs = performance.now()
  give({ act: 'block', ms: BLOCK_MS })
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(BLOCK_MS)
  expect(said).toEqual([undefined])
})

test('an order for a step of the commit waits for it, and is carried out once', () => {
  const { subject, said, give } = orders()
  give({ act: 'tell', ms: 0, step: 'committed' })
  subject.probe('prepared')
  expect(said).toEqual([])
  subject.probe('committed')
  subject.probe('committed')
  expect(said).toEqual(['committed'])
})

test('a later order takes the place of one that waits', () => {
  const { subject, said, give } = orders()
  give({ act: 'tell', ms: 0, step: 'staged' })
  give({ act: 'tell', ms: 0 })
  subject.probe('staged')
  expect(said).toEqual([undefined])
})
