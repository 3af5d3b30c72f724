import { fileURLToPath } from 'node:url'

/** This package's own folder: two above this file, and above every built one that may hold it. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url))
