import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile, readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { ROOT } from '../cli/built-cli.ts'

/**
 * `npm run docs && npm run docs:check`: looks at every page of the site in a browser, on a wide screen and on
 * a telephone.
 */
const SITE = join(ROOT, 'docs/.vitepress/dist')
const WIDTHS = [1280, 375]
const TYPES: { readonly [ending: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

/** What the pages are asked, by functions of theirs. */
const IN_PAGE = await readFile(join(ROOT, 'test/docs/in-page.js'), 'utf8')

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname)
  const file = path.endsWith('/') ? `${path}index.html` : extname(path) === '' ? `${path}.html` : path
  readFile(join(SITE, file)).then(
    body =>
      response
        .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
        .end(body),
    () => response.writeHead(404).end(),
  )
})
await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Each step of the Tab key shows where it is. */
async function invisibleFocus(page: Page): Promise<string[]> {
  const found: string[] = []
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press('Tab')
    const unseen = await page.evaluate<string | undefined>('unseenFocus()')
    if (unseen) found.push(unseen)
  }
  return found
}

async function troublesOf(page: Page, path: string, width: number): Promise<string[]> {
  const troubles: string[] = []
  const hear = (text: string) => void troubles.push(text)
  page.on('console', message => message.type() === 'error' && hear(`console: ${message.text()}`))
  page.on('pageerror', error => hear(`error: ${error.message}`))
  page.on(
    'request',
    request =>
      !request.url().startsWith(address) &&
      !request.url().startsWith('data:') &&
      hear(`asks ${request.url()}`),
  )
  await page.setViewportSize({ width, height: 900 })
  await page.goto(`${address}/${path}`, { waitUntil: 'networkidle' })
  await page.addScriptTag({ content: IN_PAGE })
  const over = await page.evaluate<number>('pixelsOver()')
  if (over > 0) hear(`${over} pixels wider than the window`)
  for (const each of await page.evaluate<string[]>('lowContrast()')) hear(`contrast: ${each}`)
  if (path === '' || path === 'guarantees')
    for (const each of await invisibleFocus(page)) hear(`focus cannot be seen: ${each}`)
  return troubles
}

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
let count = 0
const files = (await readdir(SITE, { recursive: true })).filter(
  name => name.endsWith('.html') && name !== '404.html',
)
// Pages of the reference are all made by one tool: every twentieth of them.
const wanted = files.filter(
  (name, at) => !name.startsWith('api/') || at % 20 === 0 || name.endsWith('README.html'),
)
for (const file of wanted.sort()) {
  const path = file.replace(/(index)?\.html$/, '')
  for (const width of WIDTHS) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ colorScheme })
      const troubles = await troublesOf(page, path, width)
      for (const each of troubles) process.stdout.write(`/${path} at ${width}, ${colorScheme}: ${each}\n`)
      count += troubles.length
      if (path === '') await page.screenshot({ path: `/tmp/millrace-site-${width}-${colorScheme}.png` })
      await page.close()
    }
  }
}
await browser.close()
server.close()
process.stdout.write(`${wanted.length} of ${files.length} pages, ${count} troubles\n`)
process.exitCode = count === 0 ? 0 : 1
