import { expect, onTestFinished, test } from 'vitest'
import * as renewals from '../../topologies/renewals.ts'
import { launchChromium } from '../support/chromium.ts'
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
    await page.getByText(/^Next in [\d,]+ s$/).waitFor()
    await page.getByRole('radio', { name: 'Down' }).click()
    await page.getByText('Nothing succeeds.').waitFor()
    await page.getByLabel('Card of Dov').selectOption('stolen')
    await page.getByRole('button', { name: 'Pause Fay' }).click()
    await page.getByRole('button', { name: 'Resume Fay' }).waitFor()
    await page.getByRole('button', { name: 'Renew now' }).click()
    await page.getByText('the provider is down').first().waitFor()
    await page.getByText('paused, 1 waiting').waitFor()
    await page.getByRole('button', { name: 'Skip the first renewal of Ada' }).click()
    await page.locator('#letters').getByText('Ada').waitFor()
    await page.getByRole('radio', { name: 'Up' }).click()
    await page.locator('#letters').getByText('the card was reported stolen').waitFor()
    await page.getByLabel('Card of Dov').selectOption('good')
    await page.getByRole('button', { name: 'Resume Fay' }).click()
    await page.getByRole('button', { name: 'Replay all' }).click()
    await page.getByText('Nothing was given up.').waitFor()
    await page.locator('#charges').getByText('12', { exact: true }).waitFor()
    expect(await page.locator('#waiting').textContent()).toBe('0')
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('What is missed meanwhile is not made up for.').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})
