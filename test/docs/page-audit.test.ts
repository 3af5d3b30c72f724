import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { addAudit, contrastFaults, focusFaults, layoutFaults } from './page-audit.ts'

const { suite } = await needs('Chromium')

await suite('the audit of a page of documents', () => {
  let browser: Browser
  beforeAll(async () => void (browser = await launchChromium()))
  afterAll(() => browser.close())

  async function faultsOf(html: string) {
    const context = await browser.newContext({ viewport: { width: 375, height: 812 } })
    await addAudit(context)
    const page = await context.newPage()
    await page.goto('about:blank')
    await page.setContent(html)
    const [layout, contrast, focus] = [
      await layoutFaults(page),
      await contrastFaults(page),
      await focusFaults(page),
    ]
    await context.close()
    return { layout, contrast, focus }
  }

  it('finds nothing on a page that fits, can be read and shows its focus', async () => {
    const html = '<a href="#a">one</a> <a href="#b">two</a> <p style="color: #595959">three</p>'
    const { layout, contrast } = await faultsOf(html)
    expect({ layout, contrast }).toEqual({ layout: [], contrast: [] })
  })

  it('finds what is too wide, too pale, on its own ground and through a veil, and a focus that is hidden', async () => {
    const { layout, contrast, focus } = await faultsOf(`
      <div class="wide" style="width: 400px">x</div>
      <p style="color: #999">pale</p>
      <div style="background: #000"><p style="color: #333">dark</p></div>
      <p style="color: rgb(0 0 0 / 40%)">veiled</p>
      <h1 style="color: #8a8a8a; font-size: 30px">large enough</h1>
      <a href="#a" class="hidden" style="outline: none">link</a>`)
    expect(layout).toEqual([expect.stringMatching(/^scrolls sideways: \d+ of 375 px, for .*DIV\.wide/)])
    expect(contrast.map(fault => fault.slice(-7))).toEqual([' "pale"', ' "dark"', 'veiled"'])
    expect(focus).toContain('focus is not seen on A.hidden')
  })
})
