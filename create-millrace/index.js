#!/usr/bin/env node
// The same as `millrace init`, for `npm create millrace`.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const { bin } = require('millrace/package.json')
const manifest = pathToFileURL(require.resolve('millrace/package.json'))
process.argv.splice(2, 0, 'init')
await import(new URL(bin.millrace, manifest).href)
