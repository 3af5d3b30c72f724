import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../cli/built-cli.ts'
import { ERROR_CODES } from '../../lib/common/errors/error-codes.ts'
import { MADE, withTables } from './tables.ts'
import { thrownCodes } from './thrown-codes.ts'

const PAGES = ['README.md', 'CHANGELOG.md', ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`)]
  .filter(name => name.endsWith('.md'))
  .map(name => join(ROOT, name))

const textOf = (path: string) => readFileSync(path, 'utf8')

/** Of what is no code. */
function links(path: string): string[] {
  const prose = textOf(path)
    .replace(/^```[^]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
}

/** As GitHub makes them of headings. */
function anchors(path: string): Set<string> {
  const headings = [...textOf(path).matchAll(/^#+ (.*)$/gm)].map(([, text]) => text!)
  return new Set(
    headings.map(text =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replace(/ /g, '-'),
    ),
  )
}

function isThere(from: string, target: string): boolean {
  if (/^https?:/.test(target)) return true
  const [file, anchor] = target.split('#') as [string, string?]
  const path = file === '' ? from : resolve(dirname(from), file)
  return existsSync(path) && (anchor === undefined || anchors(path).has(anchor))
}

describe('documents', () => {
  it('have links that lead somewhere', () => {
    const broken = PAGES.flatMap(path =>
      links(path)
        .filter(target => !isThere(path, target))
        .map(target => `${relative(ROOT, path)}: ${target}`),
    )
    expect(broken).toEqual([])
  })

  it('are all found from the README', () => {
    const reached = new Set<string>()
    const visit = (path: string) => {
      if (reached.has(path)) return
      reached.add(path)
      for (const target of links(path)) {
        const next = resolve(dirname(path), target.split('#')[0]!)
        if (PAGES.includes(next)) visit(next)
      }
    }
    visit(join(ROOT, 'README.md'))
    expect(PAGES.filter(path => !reached.has(path))).toEqual([])
  })

  it('are all in the sidebar of the site', () => {
    const sidebar = textOf(join(ROOT, 'docs/.vitepress/config.ts'))
    const names = readdirSync(join(ROOT, 'docs')).filter(name => name.endsWith('.md'))
    expect(names.filter(name => !sidebar.includes(`'/${name.replace('.md', '')}'`))).toEqual([])
  })

  it.each(MADE)('%s has tables that are as the code is (npm run docs:tables)', path => {
    const page = textOf(path)
    expect(page).toBe(withTables(page))
  })

  it('have cause and mend of every code that lib throws, and of no other', () => {
    const thrown = thrownCodes()
    const codes = ERROR_CODES.map(({ code }) => code)
    const known = new Set(codes)
    const unknown = thrown.filter(({ code }) => !known.has(code))
    expect(unknown.map(({ code, place }) => `${code} (${place})`)).toEqual([])
    const used = new Set(thrown.map(({ code }) => code))
    expect(codes.filter(code => !used.has(code))).toEqual([])
    expect(codes.length).toBe(known.size)
    for (const { code, cause, mend } of ERROR_CODES)
      for (const text of [cause, mend]) expect(text, code).toMatch(/^\S.*\.$/)
  })

  it('have an architecture whose files are there', () => {
    const text = textOf(join(ROOT, 'docs/architecture.md'))
    const paths = [...text.matchAll(/`([\w./-]+\/[\w.-]*)`/g)].map(([, path]) => path!)
    const named = paths.filter(path => /\.ts$|\/$/.test(path))
    expect(named.length).toBeGreaterThan(20)
    const isThere = (path: string) => [path, `lib/${path}`].some(each => existsSync(join(ROOT, each)))
    expect(named.filter(path => !isThere(path))).toEqual([])
  })

  it('begin with a README of five minutes', () => {
    expect(textOf(join(ROOT, 'README.md')).split('\n').length).toBeLessThan(250)
  })
})
