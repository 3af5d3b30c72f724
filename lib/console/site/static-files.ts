import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.map': 'application/json',
}

/** Everything comes from the site itself; images may be in the page. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  // The page of a room that has no module for the console.
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A name with a hash of its content in it never has another content. */
const HASHED = /-[A-Za-z0-9_]{8,}\.\w+$/

interface Asset {
  readonly bytes: Buffer
  readonly etag: string
}

/** Files of a folder, by their etags. Read once: a running site keeps its page. */
export class StaticFiles {
  readonly #folder: string
  readonly #assets = new Map<string, Promise<Asset | undefined>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Answers, and returns true; false where there is no such file. `name`: relative, without `..`. */
  async answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(name)) return false
    const asset = await this.#asset(name)
    if (!asset) return false
    const type = TYPES[extname(name)] ?? 'application/octet-stream'
    response.setHeader('etag', asset.etag)
    response.setHeader('content-type', type)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('referrer-policy', 'no-referrer')
    response.setHeader(
      'cache-control',
      HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache',
    )
    if (type.startsWith('text/html')) response.setHeader('content-security-policy', CSP)
    if (request.headers['if-none-match'] === asset.etag) response.writeHead(304).end()
    else response.writeHead(200, { 'content-length': asset.bytes.length })
    if (!response.writableEnded) response.end(request.method === 'HEAD' ? undefined : asset.bytes)
    return true
  }

  #asset(name: string): Promise<Asset | undefined> {
    let asset = this.#assets.get(name)
    if (!asset) {
      asset = readFile(join(this.#folder, name)).then(
        bytes => ({ bytes, etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 24)}"` }),
        () => {
          // It may be built later; nothing is kept of names that somebody makes up.
          this.#assets.delete(name)
          return undefined
        },
      )
      this.#assets.set(name, asset)
    }
    return asset
  }
}
