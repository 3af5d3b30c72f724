import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { ROOT } from '../cli/built-cli.ts'

/** To be called before pages are opened: what is looked at in the browser is a script of its own there. */
export async function addAudit(context: BrowserContext): Promise<void> {
  await context.addInitScript({ path: join(ROOT, 'test/docs/audit-in-browser.js') })
}

/** Each text is a fault: what is too wide, where on a phone it would have to be scrolled sideways. */
export function layoutFaults(page: Page): Promise<string[]> {
  return page.evaluate<string[]>('audit.layout()')
}

/** Texts that are too pale, by WCAG AA. */
export function contrastFaults(page: Page): Promise<string[]> {
  return page.evaluate<string[]>('audit.contrast()')
}

const STOPS = 12

/** Of the keyboard's first stops those at which it cannot be seen where it is. */
export async function focusFaults(page: Page): Promise<string[]> {
  const faults: string[] = []
  for (let stop = 0; stop < STOPS; stop++) {
    await page.keyboard.press('Tab')
    const fault = await page.evaluate<string>('audit.focus()')
    if (fault !== '') faults.push(fault)
  }
  return [...new Set(faults)]
}

export interface Links {
  readonly ids: readonly string[]
  /** Of this site: `/path#anchor`. */
  readonly links: readonly string[]
}

export function linksOf(page: Page): Promise<Links> {
  return page.evaluate<Links>('audit.links()')
}
