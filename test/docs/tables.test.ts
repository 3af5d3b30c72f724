import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../lib/common/error-codes.ts'
import { ROOT } from '../cli/built-cli.ts'
import { PARTS, rewritten } from './tables.ts'
import { thrownCodes } from './thrown-codes.ts'

describe('documents made from the code', () => {
  it.each(Object.keys(PARTS))('%s is up to date (else: npm run docs:tables)', page => {
    expect(readFileSync(join(ROOT, page), 'utf8')).toBe(rewritten(page))
  })

  it('have cause and mend of every code that lib throws, and of no other', () => {
    const thrown = thrownCodes()
    const codes = ERROR_CODES.map(({ code }) => code)
    const known = new Set(codes)
    expect(
      thrown.filter(({ code }) => !known.has(code)).map(({ code, place }) => `${code} (${place})`),
    ).toEqual([])
    const used = new Set(thrown.map(({ code }) => code))
    expect(codes.filter(code => !used.has(code))).toEqual([])
    expect(codes.length).toBe(known.size)
  })

  it('have a cause and a mend that are sentences', () => {
    for (const { code, cause, mend } of ERROR_CODES) {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/)
      for (const text of [cause, mend]) expect(text, code).toMatch(/^\S.*\.$/)
    }
  })
})
