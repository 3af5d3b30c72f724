import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../cli/built-cli.ts'
import { PARTS, rewritten } from './tables.ts'

/** `npm run docs:tables`: writes the parts of documents that are made from the code. */
for (const page of Object.keys(PARTS)) writeFileSync(join(ROOT, page), rewritten(page))
