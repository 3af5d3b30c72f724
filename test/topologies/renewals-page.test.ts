import { expect, onTestFinished, test } from 'vitest'
import * as renewals from '../../topologies/renewals.ts'
import { CHARGE, SCHEDULE } from '../../topologies/renewals/records.ts'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { openTopologyApp } from '../support/topology-app.ts'

const { suite } = await needs('Chromium')

await suite('the page of the renewals', () => {
  test('the provider is switched off and on, a card is stolen, its letter replayed; a customer is paused', async () => {
    const file = { ...renewals, config: {}, default: renewals.default({ every: '3600000' }) }
    await using app = await openTopologyApp(file, { applicationId: 'renewals' })
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage()
    page.setDefaultTimeout(60_000)
    page.on('pageerror', error => expect.unreachable(error.message))
    await page.goto(app.url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('Run with --console for all of it.').waitFor()
    await page.getByRole('radio', { name: 'Down' }).click()
    await page.getByText('Nothing succeeds.').waitFor()
    await page.getByLabel('Card of Dov').selectOption('stolen')
    const control = app.streams.control()
    await control.pause({ operator: CHARGE, key: 'u06' })
    await app.streams.schedules().trigger(SCHEDULE)
    await page.getByText('the provider is down').first().waitFor()
    const fay = page.getByRole('listitem').filter({ hasText: 'Fay' })
    await fay.getByText('paused').waitFor()
    await page.locator('#waiting').getByText('12', { exact: true }).waitFor()
    await page.getByRole('radio', { name: 'Up' }).click()
    const dov = page.getByRole('listitem').filter({ hasText: 'Dov' })
    await dov.getByText('is given up each time').waitFor()
    await page.getByLabel('Card of Dov').selectOption('good')
    await control.resume({ operator: CHARGE, key: 'u06' })
    await fay.getByText('all renewed').waitFor()
    await eventually(
      async () => (await app.streams.deadLetters().replay({ operator: CHARGE })).letters.length === 1,
    )
    await page.locator('#charges').getByText('12', { exact: true }).waitFor()
    await page.locator('#waiting').getByText('0', { exact: true }).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})
