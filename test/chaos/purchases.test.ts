import { describe, expect, it } from 'vitest'
import { runEmbeddedPurchases } from './purchases/embedded-run.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const run = { purchases: 1_500, faults: 15, seed: 1, say: () => undefined }

describe('purchases while commits fail, threads die and members come and go', () => {
  it('exactly-once: each is checked out, delivered and invoiced once, though others were begun', async () => {
    const { wrong, aborted, toldAgain } = await runEmbeddedPurchases({
      ...run,
      directory: await temporaryDirectory(),
    })
    expect(wrong).toEqual([])
    expect(aborted).toBeGreaterThan(0)
    expect(toldAgain).toBeGreaterThan(0)
  })

  it('at-least-once, the control: some are checked out twice', async () => {
    const { wrong } = await runEmbeddedPurchases({
      ...run,
      directory: await temporaryDirectory(),
      guarantee: 'at-least-once',
    })
    expect(wrong.join()).toMatch(/several/)
  })
})
