import { once } from 'node:events'
import { painted } from './colours.ts'

/** Writes to standard output, and waits while whoever reads it is slower. */
export async function print(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** Columns as wide as their widest cell, two spaces apart; the first row is a heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]!.length))) ?? []
  const [heading = '', ...others] = rows.map(
    row =>
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
  )
  return painted('bold', heading, process.stdout) + others.join('')
}
