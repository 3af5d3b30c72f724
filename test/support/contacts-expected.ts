import type { MadeRow } from './contacts-csv.ts'

export interface ExpectedContact {
  readonly email: string
  readonly name: string
  readonly phone: string
  readonly company: string
  readonly row: number
}

export interface ExpectedImport {
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly failedRows: readonly number[]
  /** By address. */
  readonly contacts: ReadonlyMap<string, ExpectedContact>
}

/**
 * What an import of these rows must come to, worked out without any of the import's code: the rows know
 * themselves whether their address is good.
 */
export function expectedImport(rows: Iterable<MadeRow>): ExpectedImport {
  const contacts = new Map<string, ExpectedContact>()
  const failedRows: number[] = []
  let total = 0
  for (const { fields, address } of rows) {
    total += 1
    if (address === undefined) {
      failedRows.push(total)
      continue
    }
    const [, name, phone, company] = fields
    contacts.set(address, { email: address, name, phone, company, row: total })
  }
  return { total, succeeded: total - failedRows.length, failed: failedRows.length, failedRows, contacts }
}
