import { seeded } from './seeded.ts'

/** A row of a made file. `address` is what the import must store it under; undefined: the row must fail. */
export interface MadeRow {
  readonly fields: readonly [email: string, name: string, phone: string, company: string]
  readonly address: string | undefined
}

export interface ContactsOptions {
  readonly rows: number
  readonly seed: number
}

const WRONG = [
  '',
  '   ',
  'no-at-sign',
  'nobody@',
  '@nowhere.example',
  'two@@signs.example',
  'a space@example.com',
  'jürgen@example.com',
  'x@-dash.example',
  'x@dash-.example',
  'x@double..example',
  `x@${'l'.repeat(64)}.example`,
]
const NAMES = ['Ann Lee', 'O’Brien, "Pat"', '李雷', 'Zoë\nQuill', '', 'Ole Ødegård', '😀 Smile', "D'Arcy"]
const COMPANIES = ['Acme, Inc.', '', 'Müller & Söhne', 'The "Quoted" Co', 'Plain']

/**
 * Rows that are the same for the same seed: mostly new addresses, every tenth one used before (in other
 * letter case, with spaces around), one in twenty-five wrong.
 */
export function* makeContacts({ rows, seed }: ContactsOptions): Generator<MadeRow> {
  const next = seeded(seed)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(next() * choices.length)]!
  for (let row = 1; row <= rows; row += 1) {
    const rest = [pick(NAMES), `+44 ${Math.floor(next() * 1e9)}`, pick(COMPANIES)] as const
    const chance = next()
    if (chance < 0.04) {
      yield { fields: [pick(WRONG), ...rest], address: undefined }
      continue
    }
    const number = chance < 0.14 ? 1 + Math.floor(next() * row) : row
    const address = `person.${number}+s${seed}@host${number % 97}.example`
    const typed = chance < 0.14 ? ` ${address.toUpperCase()}\t` : address
    yield { fields: [typed, ...rest], address }
  }
}

/** The file, in pieces of many lines. */
export function* contactsCsv(options: ContactsOptions): Generator<string> {
  let piece = 'email,name,phone,company\n'
  for (const { fields } of makeContacts(options)) {
    piece += `${fields.map(quoted).join(',')}\n`
    if (piece.length < 32_768) continue
    yield piece
    piece = ''
  }
  yield piece
}

export function contactsCsvText(options: ContactsOptions): string {
  return [...contactsCsv(options)].join('')
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
