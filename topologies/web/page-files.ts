import { readFileSync } from 'node:fs'
import type { Env, Hono } from 'hono'

const HEADERS = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}

const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript' } as const

/**
 * Serves a page: its `index.html` at `/` and `page.js` from the folder, and what all pages share. Read once,
 * at the start.
 */
export function addPageFiles<E extends Env>(app: Hono<E>, folder: URL): void {
  add(app, '/', new URL('index.html', folder), 'html')
  add(app, '/page.js', new URL('page.js', folder), 'js')
  add(app, '/style.css', new URL('page/style.css', import.meta.url), 'css')
  add(app, '/live.js', new URL('page/live.js', import.meta.url), 'js')
}

function add<E extends Env>(app: Hono<E>, path: string, file: URL, type: keyof typeof TYPES): void {
  const bytes = readFileSync(file)
  app.get(path, c => c.body(bytes, 200, { ...HEADERS, 'content-type': `${TYPES[type]}; charset=utf-8` }))
}
