import { expect, onTestFinished, test } from 'vitest'
import * as checkout from '../../topologies/checkout.ts'
import { launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { openTopologyApp } from '../support/topology-app.ts'

const { suite } = await needs('Chromium')

await suite('the page of the checkout', () => {
  test('buys, is told of a payment twice, restocks: each order once, in every column', async () => {
    const file = { ...checkout, config: {}, default: checkout.default() }
    await using app = await openTopologyApp(file, { applicationId: 'checkout' })
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage()
    page.setDefaultTimeout(60_000)
    page.on('pageerror', error => expect.unreachable(error.message))
    await page.goto(app.url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Tell the last one again' }).click()
    await page.getByText('Nothing was bought yet: buy something first').waitFor()
    await page.getByRole('button', { name: 'Restock' }).click()
    await page.getByText('1,000 left, 0 sold').first().waitFor()
    await page.getByRole('button', { name: 'Buy', exact: true }).click()
    await page.getByText('Each of 1 orders once.').waitFor()
    await page.getByRole('button', { name: 'Tell the last one again' }).click()
    await page.getByText('told 2 times · checked out once').waitFor()
    await page.getByRole('button', { name: 'Buy 1,000' }).click()
    await page.getByText('Each of 1,001 orders once.').waitFor()
    for (const figure of ['checkouts', 'deliveries', 'invoices'])
      expect(await page.locator(`#${figure}`).textContent()).toBe('1,001')
    expect(await page.locator('#told-again').textContent()).toBe('1')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})
