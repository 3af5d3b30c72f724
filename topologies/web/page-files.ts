import { readdirSync, readFileSync } from 'node:fs'
import type { Env, Hono } from 'hono'

const HEADERS = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}

const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript', csv: 'text/csv' } as const

/**
 * Serves a page: the files of the folder, its `index.html` at `/`, and what all pages share. Each is read
 * once, when it is first asked for.
 */
export function addPageFiles<E extends Env>(app: Hono<E>, folder: URL): void {
  for (const name of readdirSync(folder))
    add(app, `/${name}`.replace('/index.html', '/'), new URL(name, folder))
  add(app, '/style.css', new URL('page/style.css', import.meta.url))
  add(app, '/live.js', new URL('page/live.js', import.meta.url))
  add(app, '/push-client.js', new URL(import.meta.resolve('millrace/push/client')))
}

function add<E extends Env>(app: Hono<E>, path: string, file: URL): void {
  const type = file.pathname.split('.').at(-1) as keyof typeof TYPES
  const headers = { ...HEADERS, 'content-type': `${TYPES[type]}; charset=utf-8` }
  let bytes: Buffer<ArrayBuffer> | undefined
  app.get(path, c => c.body((bytes ??= readFileSync(file)), 200, headers))
}
