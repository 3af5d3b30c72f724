import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import * as countries from '../../topologies/countries.ts'
import * as siteApps from '../../topologies/site-apps.ts'
import { launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { openTopologyApp } from '../support/topology-app.ts'

const { suite } = await needs('Chromium')

/** Two tabs of one browser. */
async function openTabs(url: string): Promise<[Page, Page]> {
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const tabs: [Page, Page] = [await context.newPage(), await context.newPage()]
  for (const tab of tabs) {
    tab.setDefaultTimeout(60_000)
    tab.on('pageerror', error => expect.unreachable(error.message))
    await tab.goto(url)
    await tab.getByText('Live', { exact: true }).waitFor()
  }
  return tabs
}

await suite('the pages of the views', () => {
  test('site apps: traffic started in one tab is seen in both; an app shows its sites', async () => {
    await using app = await openTopologyApp(siteApps, { applicationId: 'site-apps' })
    const [first, second] = await openTabs(app.url)
    await first.getByText('No sites yet').waitFor()
    await first.getByRole('button', { name: 'Publish 20 changes a second' }).click()
    for (const tab of [first, second]) {
      await tab.locator('#sites li').nth(3).waitFor()
      await tab.getByText('20 changes a second are being published').waitFor()
    }
    await second.locator('#apps button').first().click()
    await second.locator('#app-sites li').first().waitFor()
    expect(await second.locator('#app-title').textContent()).toMatch(/^\d+ sites? with “/)
    await first.getByLabel('Apps, separated by commas').fill('blog, chat, video')
    await first.getByRole('button', { name: 'Publish', exact: true }).click()
    await first.getByText(/Written to site-metadata-\d:\d+ in .* my-site has 3 apps\./).waitFor()
    await second.locator('#sites').getByText('my-site').first().waitFor()
    await first.getByRole('button', { name: 'Delete' }).click()
    await first.getByText(/my-site is in no view\./).waitFor()
    await second.getByRole('button', { name: 'Stop' }).click()
    await first.getByText('Nothing is being published.').waitFor()
    expect(await second.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  test('countries: what one tab saves the other shows, with its time zone; deleting takes both', async () => {
    await using app = await openTopologyApp(countries, { applicationId: 'countries' })
    const [first, second] = await openTabs(app.url)
    await second.getByLabel('Search by name, code').fill('atlantis')
    await second.getByText('No country is like that.').waitFor()
    await second.getByLabel('Search by name or country code').fill('troll')
    await first.getByLabel('Code', { exact: true }).fill('xa')
    await first.getByLabel('Name', { exact: true }).fill('Atlantis')
    await first.getByLabel('Time zones, separated').fill('Antarctica/Troll')
    await first.getByRole('button', { name: 'Save' }).click()
    await first.getByText(/Atlantis was saved after \d+ ms/).waitFor()
    await second.getByRole('button', { name: 'Edit Atlantis' }).click()
    await second.locator('#zone-list').getByText('XA').waitFor()
    await second.getByRole('button', { name: 'Delete' }).click()
    await second.getByText('Atlantis was deleted').waitFor()
    await second.getByText('No country is like that.').waitFor()
    await second.locator('#zone-list').getByText('XA').waitFor({ state: 'detached' })
    await first.getByLabel('Code', { exact: true }).fill('XB')
    await first.getByLabel('Name', { exact: true }).fill('Mars')
    await first.getByLabel('Time zones, separated').fill('Mars/Olympus')
    await first.getByRole('button', { name: 'Save' }).click()
    await first.getByRole('alert').getByText('There is no time zone "Mars/Olympus"').waitFor()
    expect(await first.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  test('countries: two tabs edit the same country; the second is told, and decides', async () => {
    await using app = await openTopologyApp(countries, { applicationId: 'countries' })
    const tabs = await openTabs(app.url)
    const [first, second] = tabs
    const save = async (tab: Page, name: string) => {
      await tab.getByLabel('Name', { exact: true }).fill(name)
      await tab.getByRole('button', { name: 'Save' }).click()
    }
    for (const tab of tabs) {
      // Accents do not matter.
      await tab.getByLabel('Search by name, code').fill('aland')
      await tab.getByRole('button', { name: /^Edit Åland/ }).click()
    }
    await save(first, 'Ahvenanmaa')
    await first.getByText('Ahvenanmaa was saved').waitFor()
    await save(second, 'Aland')
    await second.getByText('Somebody else has changed AX: it is Ahvenanmaa now').waitFor()
    await second.getByRole('button', { name: 'Keep mine' }).click()
    await second.getByText('Aland was saved').waitFor()
    await first.getByRole('button', { name: 'Edit Aland' }).click()
    await second.getByRole('button', { name: 'Edit Aland' }).click()
    await second.getByRole('button', { name: 'Delete' }).click()
    await second.getByText('Aland was deleted').waitFor()
    await save(first, 'Still here')
    await first.getByText('Somebody else has changed AX: it was deleted').waitFor()
    await first.getByRole('button', { name: 'Take theirs' }).click()
    await first.getByText('Add a country').waitFor()
    expect((await app.request('GET', '/countries/AX')).status).toBe(404)
    expect(await first.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})
