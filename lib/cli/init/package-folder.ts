import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** This package's own folder, found by its name: from sources and from what is built of them. */
export const PACKAGE_FOLDER = dirname(createRequire(import.meta.url).resolve('millrace/package.json'))
