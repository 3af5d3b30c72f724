import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { ROOT } from '../cli/built-cli.ts'
import { launchChromium } from '../support/chromium.ts'
import { addAudit, contrastFaults, focusFaults, layoutFaults, linksOf } from './page-audit.ts'
import { serveSite } from './site-server.ts'

/**
 * `npm run docs:check`: looks at every page of the site that `npm run docs` has built, as a phone and as a desk see it, light
 * and dark: errors in the console, requests to others, sideways scrolling, contrast, keyboard, and links that lead nowhere.
 * `--only TEXT`: pages whose path has it. `--screenshots DIRECTORY`: pictures of them, too.
 */
const { only = '', screenshots } = parseArgs({
  options: { only: { type: 'string' }, screenshots: { type: 'string' } },
}).values

const FOLDER = join(ROOT, 'docs/.vitepress/dist')

const VIEWS = [
  { name: 'phone', width: 375, height: 812, colorScheme: 'light' },
  { name: 'desk', width: 1280, height: 900, colorScheme: 'dark' },
] as const

interface Visit {
  readonly path: string
  readonly ids: ReadonlySet<string>
  readonly links: readonly string[]
}

async function main(): Promise<void> {
  if (!existsSync(FOLDER)) throw new Error(`${FOLDER} is not there: npm run docs`)
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  const pages = files.filter(file => file.endsWith('.html') && file !== '404.html').map(file => `/${file}`)
  const paths = pages.filter(path => path.includes(only))
  if (paths.length === 0) throw new Error(`--only ${only}: no page has that in its path`)
  await using site = await serveSite(FOLDER)
  const browser = await launchChromium()
  const faults: string[] = []
  try {
    const visits: Visit[] = []
    for (const view of VIEWS) visits.push(...(await look(browser, { url: site.url, paths, view, faults })))
    // Of pages that were not looked at anchors are not known.
    if (only === '') faults.push(...deadLinks(visits))
  } finally {
    await browser.close()
  }
  for (const fault of new Set(faults)) console.log(fault)
  console.log(`${paths.length} pages, ${new Set(faults).size} faults`)
  if (faults.length > 0) process.exitCode = 1
}

interface Looking {
  readonly url: string
  readonly paths: readonly string[]
  readonly view: (typeof VIEWS)[number]
  readonly faults: string[]
}

async function look(browser: Browser, { url, paths, view, faults }: Looking): Promise<Visit[]> {
  const { name, width, height, colorScheme } = view
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
  })
  await addAudit(context)
  const page = await context.newPage()
  let path = ''
  const tell = (fault: string) => void faults.push(`${path} (${name}): ${fault}`)
  page.on('console', message => message.type() === 'error' && tell(`console: ${message.text()}`))
  page.on('pageerror', error => tell(`exception: ${error.message}`))
  page.on('request', request => {
    if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(url))
      tell(`asks ${request.url()}`)
  })
  page.on('requestfailed', request => tell(`not had: ${request.url()}`))
  const visits: Visit[] = []
  for (path of paths) {
    visits.push(await visit(page, { url, path, tell }))
    if (screenshots)
      await page.screenshot({ path: join(screenshots, `${path.replaceAll('/', '_')}-${name}.png`) })
  }
  await context.close()
  return visits
}

async function visit(
  page: Page,
  { url, path, tell }: { url: string; path: string; tell: (fault: string) => void },
): Promise<Visit> {
  await page.goto(url + path, { waitUntil: 'networkidle' })
  for (const faultsOf of [layoutFaults, contrastFaults, focusFaults]) (await faultsOf(page)).forEach(tell)
  const { ids, links } = await linksOf(page)
  return { path, ids: new Set(ids), links }
}

function deadLinks(visits: readonly Visit[]): string[] {
  const byPath = new Map(visits.map(visit => [visit.path, visit]))
  return visits.flatMap(({ path, links }) =>
    links.flatMap(link => {
      const [target = '', anchor = ''] = link.split('#')
      const found = byPath.get(target.endsWith('/') ? `${target}index.html` : target)
      if (!found) return existsSync(join(FOLDER, target)) ? [] : [`${path}: the link ${link} leads nowhere`]
      return anchor === '' || found.ids.has(anchor) ? [] : [`${path}: there is no anchor ${link}`]
    }),
  )
}

await main()
