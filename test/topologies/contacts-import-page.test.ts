import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { openContactsApp } from '../support/contacts-app.ts'
import { launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { contactsCsvText, makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'

const { suite } = await needs('Chromium')

const WAIT_MS = 60_000
const number = new Intl.NumberFormat('en')

async function openPage(url: string): Promise<Page> {
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(WAIT_MS)
  await page.goto(url)
  await page.getByText('Drop a CSV file here').waitFor()
  return page
}

function choose(page: Page, name: string, text: string): Promise<void> {
  return page.setInputFiles('#file', { name, mimeType: 'text/csv', buffer: Buffer.from(text) })
}

/** How far the bar is; waits until it shows more than `percent` of the import itself. */
async function progressBeyond(page: Page, percent: number): Promise<number> {
  await page.getByText('Importing', { exact: true }).waitFor()
  const bar = page.getByRole('progressbar')
  let shown = -1
  await expect
    .poll(async () => (shown = Number(await bar.getAttribute('aria-valuenow'))), {
      timeout: WAIT_MS,
      interval: 20,
    })
    .toBeGreaterThan(percent)
  return shown
}

await suite('the page of the contacts import', () => {
  test('upload, progress, reload in the middle, completion once, failures and contacts', async () => {
    await using app = await openContactsApp()
    const page = await openPage(app.url)
    const options = { rows: 30_000, seed: 23 }
    const expected = expectedImport(makeContacts(options))
    await choose(page, 'people.csv', contactsCsvText(options))
    await page.getByText('Live', { exact: true }).waitFor()
    const before = await progressBeyond(page, 0)
    expect(before).toBeLessThan(100)

    await page.reload()
    // The reload itself must show the import again, by its file's name, not the drop zone.
    await page.getByRole('heading', { name: 'people.csv' }).waitFor()
    expect(await progressBeyond(page, before - 1)).toBeGreaterThanOrEqual(before)
    await page.getByText('Completed', { exact: true }).waitFor()
    expect(await page.locator('#succeeded').textContent()).toBe(number.format(expected.succeeded))
    expect(await page.locator('#failed').textContent()).toBe(number.format(expected.failed))
    expect(await page.locator('#announcement').textContent()).toContain('Import completed')
    await page.locator('#failures-list li').nth(19).waitFor()
    expect(await page.locator('#failures-list li').first().textContent()).toContain(
      `row ${expected.failedRows[0]}`,
    )
    await page.locator('#failures-more').click()
    await page.locator('#failures-list li').nth(39).waitFor()
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('#failures-file').click()])
    const lines = (await readFile(await file.path(), 'utf8')).split('\r\n')
    expect(lines[1]).toMatch(new RegExp(`,${expected.failedRows[0]},EMAIL_`))

    await page.reload()
    await page.getByText('Completed', { exact: true }).waitFor()
    // Once: the list of completions still has one, and a reload announces nothing.
    expect(await page.locator('#history-list li').count()).toBe(1)
    expect(await page.locator('#announcement').textContent()).toBe('')

    const [address] = [...expected.contacts.keys()]
    await page.getByLabel('E-mail address starts with').fill(address!.toUpperCase())
    await expect.poll(() => page.locator('#contacts-list li').count(), { timeout: WAIT_MS }).toBe(1)
    expect(await page.locator('#contacts-list li').textContent()).toContain(address)
  })

  test('a file that is refused says why, and the next one is taken', async () => {
    await using app = await openContactsApp()
    const page = await openPage(app.url)
    await choose(page, 'wrong.csv', 'email,name\na@b.example,"Ann\n')
    const alert = page.getByRole('alert')
    await alert.getByText(/Line 2: the quote.*Nothing was imported/).waitFor()
    await choose(page, 'right.csv', 'email,name\na@b.example,Ann\n')
    await page.getByText('Completed', { exact: true }).waitFor()
    expect(await alert.isVisible()).toBe(false)
    expect(await page.locator('#failures').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Import another file' }).click()
    await page.getByText('Drop a CSV file here').waitFor()
  })

  test('on a phone nothing is wider than the screen', async () => {
    await using app = await openContactsApp()
    const page = await openPage(app.url)
    await page.setViewportSize({ width: 390, height: 844 })
    await choose(
      page,
      `${'long-name-'.repeat(12)}.csv`,
      `email,company\nwrong${'x'.repeat(150)},A\na@b.example,${'C'.repeat(120)}\n`,
    )
    await page.locator('#failures-list li').waitFor()
    await page.locator('#contacts-list li').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})
