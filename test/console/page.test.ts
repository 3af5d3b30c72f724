import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { MockApplication } from '../support/mock-application.ts'
import { MockConsole } from '../support/mock-console.ts'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/eventually.ts'
import { openPage, scrollWidth } from './browser-page.ts'

const { suite } = await needs('Chromium')

/** Every kind of address, with a text that only its view shows. */
const PLACES: readonly (readonly [hash: string, text: string | RegExp])[] = [
  ['#/overview', 'A shop that does not loses orders.'],
  ['#/topics', 'orders-by-country-repartition'],
  ['#/topics/orders?contains=order-3', '{"order":"order-3","amount":37.5,"country":"de"}'],
  ['#/topics/orders?partition=0&offset=24100', 'Formats'],
  ['#/topics/orders?follow=true', /41 more passed by/],
  ['#/stores', 'timestamped window store'],
  ['#/letters', /The amount "seven" is no number/],
  ['#/schedules', '0 3 * * *, Europe/Berlin'],
  ['#/control', 'charge, key user-7'],
  ['#/processes', '4242'],
  ['#/app/orders', 'Why these windows are still open'],
  ['#/app/orders?show=topic:orders', 'Last records'],
  ['#/app/orders?show=store:revenue', 'First rows'],
  ['#/app/orders?show=node:charge', 'Records in all'],
  ['#/app/orders/room', 'The room of Orders at rooms/orders/'],
  ['#/app/orders/store/revenue?key=it', '3600'],
  ['#/app/orders/store/revenue?mode=changes', '{"country":"DE","revenue":1200,"orders":{"paid":7,"open":0}}'],
  ['#/app/orders/store/per-minute?key=de', '99'],
  ['#/app/orders/letters/orders-0-10', 'Correct and replay'],
  ['#/app/orders/schedules/nightly', 'Fire now'],
  ['#/app/orders/control', 'The bank answered 503.'],
  ['#/nowhere/at/all', 'There is no such place.'],
  ['#/app/none', 'There is no application "none" on this site.'],
]

await suite('the page of the console', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())

  const text = (page: Page, wanted: string | RegExp) =>
    page
      .locator('main')
      .getByText(wanted, { exact: typeof wanted === 'string' })
      .first()

  test('each address shows its view, also on a phone and after a reload', async () => {
    await using mock = await MockConsole.open()
    for (const width of [1_280, 375]) {
      const page = await openPage(browser, { url: mock.url, width })
      for (const [hash, wanted] of PLACES) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
        await text(page, wanted).waitFor({ state: 'attached' })
        expect(await scrollWidth(page), `${hash} at ${width}`).toBe(width)
      }
      await page.goto(`${mock.url}#/app/orders/letters/orders-1-11`)
      await page.reload()
      await page.getByRole('heading', { name: 'orders-1-11' }).waitFor()
    }
  })

  test('the drawing has live rates, lag, sizes of stores, and what a restore has left', async () => {
    const application = new MockApplication()
    application.isRestoring = true
    await using mock = await MockConsole.open([application])
    const page = await openPage(browser, { url: `${mock.url}#/app/orders` })
    const drawing = page.getByRole('group', { name: 'Topology' })
    await drawing
      .getByText(/^\d+\/s$/)
      .first()
      .waitFor()
    await drawing
      .locator('text', { hasText: /^\d+ behind$/ })
      .first()
      .waitFor()
    await drawing.getByRole('button', { name: 'store revenue' }).getByText('640 keys').waitFor()
    await drawing.getByText('1 of 2 tasks restoring').waitFor()
    await page.getByText('restoring 68 %, 4.2 s left').waitFor()
    await drawing.getByRole('button', { name: 'processor KSTREAM-AGGREGATE-0000000004' }).press('Enter')
    await page.getByRole('heading', { name: 'aggregate 4' }).waitFor()
    expect(page.url()).toContain('show=node%3AKSTREAM-AGGREGATE-0000000004')
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'aggregate 4' }).waitFor({ state: 'detached' })
  })

  test('the audit says what was lost, with examples', async () => {
    const application = new MockApplication()
    await using mock = await MockConsole.open([application])
    const page = await openPage(browser, { url: `${mock.url}#/app/orders` })
    const audit = page.getByRole('region', { name: 'Audit' })
    await audit.getByText(/48,211 expected, 0 lost, 0 repeated, 6 under way/).waitFor()
    application.hasLost = true
    await audit.getByText(/3 lost/).click()
    await audit.getByText('order-90').waitFor()
  })

  test('a process that was killed is told of, what was known stays, and the page goes on', async () => {
    await using mock = await MockConsole.open()
    const page = await openPage(browser, { url: `${mock.url}#/app/orders` })
    await page
      .getByRole('group', { name: 'Topology' })
      .getByText(/^\d+\/s$/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Kill' }).click()
    await page.getByText(/Process 0 is being restarted\. It ended .* by SIGKILL/).waitFor()
    await page.getByText('as it was').waitFor()
    await page.locator('.topology text', { hasText: 'orders-by-country' }).waitFor()
    mock.comeBack()
    await page.getByText('as it was').waitFor({ state: 'detached' })
    await page.getByText(/is being restarted/).waitFor({ state: 'detached' })
    await page.goto(`${mock.url}#/processes`)
    await page.getByText('Process 0 was ended by SIGKILL').waitFor()
  })

  test('an error of the API stands in its place, and the rest of the page works', async () => {
    await using mock = await MockConsole.open()
    const page = await openPage(browser, { url: 'about:blank' })
    await page.route('**/api/broker/topics', route =>
      route.fulfill({ status: 500, body: '{"error":{"code":"INTERNAL","message":"the broker has left"}}' }),
    )
    await page.goto(`${mock.url}#/topics`)
    await page.getByRole('alert').getByText('the broker has left').waitFor()
    await page.unroute('**/api/broker/topics')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('orders-charge-dlq').waitFor()
  })

  test('letters are replayed after it was told what would be done, and corrected as JSON', async () => {
    await using mock = await MockConsole.open()
    const page = await openPage(browser, { url: `${mock.url}#/app/orders/letters` })
    await page.getByLabel('Select all').check()
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByRole('button', { name: 'See what would be done' }).click()
    await page.getByText('2 letters would be replayed.').waitFor()
    await page.getByRole('button', { name: 'Replay 2' }).click()
    await page.getByText('2 letters replayed.').waitFor()
    const ids = ['orders-0-10', 'orders-1-11']
    expect(mock.posts.map(({ body }) => body)).toEqual([
      { operator: 'charge', ids, dryRun: true },
      { operator: 'charge', ids },
    ])
    await page.getByRole('link', { name: 'orders-0-10' }).click()
    await page.getByRole('button', { name: 'Correct and replay' }).click()
    const editor = page.getByLabel('Value, as JSON')
    await editor.fill('{"order": "order-0", "amount": }')
    await page.getByText(/This is not JSON/).waitFor()
    expect(await page.getByRole('button', { name: 'Write and replay' }).isDisabled()).toBe(true)
    await editor.fill('{"order": "order-0", "amount": 7}')
    await page.getByRole('button', { name: 'Write and replay' }).click()
    await page.getByText('The corrected record was written.').waitFor()
    expect(mock.posts.at(-1)).toEqual({
      path: '/api/apps/orders/letters/correct',
      body: { id: 'orders-0-10', operator: 'charge', value: { order: 'order-0', amount: 7 } },
    })
  })

  test('a command is sent for a key, and a waiting record is skipped', async () => {
    await using mock = await MockConsole.open()
    const page = await openPage(browser, { url: `${mock.url}#/app/orders/control` })
    await page.getByLabel('Key', { exact: true }).fill('user-1')
    await page.getByLabel('Note').fill('a test')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('button', { name: 'Skip' }).click()
    await eventually(() => mock.posts.length === 2)
    expect(mock.posts.map(({ body }) => body)).toEqual([
      { action: 'pause', target: { operator: 'charge', key: 'user-1' }, note: 'a test' },
      { action: 'skip', target: { operator: 'charge', letter: 'orders-0-99' } },
    ])
  })

  test('keys go from view to view, into lists and searches, and are told', async () => {
    await using mock = await MockConsole.open()
    const page = await openPage(browser, { url: mock.url })
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    await page.getByRole('heading', { name: 'Topics' }).waitFor()
    await page.getByRole('table', { name: 'Topics' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('charge')
    await page.getByText('orders-by-country-repartition').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'charges' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByLabel('Search everywhere').fill('orders dead')
    await page.keyboard.press('Enter')
    await page.getByLabel('Select all').waitFor()
    expect(page.url()).toContain('#/app/orders/letters')
  })

  test('colours follow the system, and the choice of the visitor through a reload', async () => {
    await using mock = await MockConsole.open()
    const page = await openPage(browser, { url: mock.url, colorScheme: 'dark' })
    const back = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(await back()).toBe('rgb(16, 16, 20)')
    await page.getByRole('button', { name: 'As the system' }).click()
    expect(await back()).toBe('rgb(247, 247, 248)')
    await page.reload()
    await page.getByRole('button', { name: 'Light' }).waitFor()
    expect(await back()).toBe('rgb(247, 247, 248)')
  })
})
