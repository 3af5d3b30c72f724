import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { CliProcess } from '../cli/cli-process.ts'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openPage, scrollWidth } from './browser-page.ts'

const { suite } = await needs('Chromium')

const TOPOLOGIES = ['site-apps', 'renewals'].map(name =>
  fileURLToPath(new URL(`../../topologies/${name}.ts`, import.meta.url)),
)

await suite('the page before real applications', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())

  test('shows live numbers, stores and records; a killed process comes back, and the page with it', async () => {
    const directory = await temporaryDirectory()
    const cli = await CliProcess.start(
      ['run', ...TOPOLOGIES, '--console', '--console-faults', '--state-dir', directory],
      { directory },
    )
    onTestFinished(async () => void (await cli.stop()))
    await eventually(() => /the console is on \S+\n/.test(cli.stderr))
    const url = `${/the console is on (\S+)/.exec(cli.stderr)![1]}/`
    const page = await openPage(browser, { url })
    for (const title of ['Site apps', 'Renewals'])
      await page.getByRole('article').filter({ hasText: title }).getByText('running').waitFor()
    await publish(page)
    await page.goto(`${url}#/app/site-apps`)
    const drawing = page.getByRole('group', { name: 'Topology' })
    const moving = drawing.locator('.edge.moving').first()
    await moving.waitFor({ state: 'attached' })
    await page.goto(`${url}#/topics/site-metadata`)
    await page
      .getByRole('table', { name: 'Records' })
      .getByText(/"siteId"/)
      .first()
      .click()
    await page.getByText('Formats').waitFor()
    await page.goto(`${url}#/app/site-apps/store/installed-apps`)
    await page
      .getByRole('table', { name: 'Rows' })
      .getByText(/^site-/)
      .first()
      .click()
    await page.getByRole('complementary').getByRole('button', { name: 'Copy value' }).waitFor()
    await page.goto(`${url}#/app/renewals`)
    await page
      .getByRole('region', { name: 'Audit' })
      .getByText(/0 lost, 0 repeated/)
      .first()
      .waitFor()
    await page.goto(`${url}#/app/renewals/schedules/renewal-run`)
    await page.getByRole('button', { name: 'Fire now' }).waitFor()
    // The room leads back into the console.
    await page.goto(`${url}rooms/renewals/`)
    await page.getByRole('link', { name: 'Schedule' }).click()
    await page.getByRole('button', { name: 'Fire now' }).waitFor()

    await page.goto(`${url}#/app/site-apps`)
    await moving.waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'Kill' }).click()
    await page.getByText(/Process 0 is (being restarted|starting)/).waitFor()
    await page.getByText(/Process 0 is/).waitFor({ state: 'detached' })
    await publish(page)
    await moving.waitFor({ state: 'attached' })
    await page.goto(`${url}#/processes`)
    await page
      .getByRole('article', { name: 'Process 0' })
      .getByText(/SIGKILL/)
      .waitFor()
    expect(await scrollWidth(page)).toBe(1_280)
  })
})

/** Has the service publish changes, as the room's button does. */
async function publish(page: Page): Promise<void> {
  await page.waitForFunction(
    `fetch('rooms/site-apps/traffic?perSecond=100', { method: 'PUT' }).then(answer => answer.ok, () => false)`,
  )
}
