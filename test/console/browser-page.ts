import { expect, onTestFinished } from 'vitest'
import type { Browser, Page } from 'playwright-core'

export interface PageOptions {
  readonly url: string
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
}

const HEIGHT = 812

/** A tab of a browser; an error that the page itself makes fails the test. */
export async function openPage(
  browser: Browser,
  { url, colorScheme = 'light', width = 1_280 }: PageOptions,
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: HEIGHT }, colorScheme })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  page.on('pageerror', error => expect.unreachable(error.message))
  await page.goto(url)
  return page
}

export const scrollWidth = (page: Page): Promise<unknown> =>
  page.evaluate('document.documentElement.scrollWidth')
