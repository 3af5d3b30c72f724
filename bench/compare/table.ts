import type { CompareResult } from './results.ts'

type Column = readonly [title: string, cell: (result: CompareResult) => string, align: 'left' | 'right']

const number = (value: number) =>
  value.toLocaleString('en', { maximumSignificantDigits: Math.max(3, String(Math.trunc(value)).length) })
const times = (value: number) => value.toFixed(2)

const COLUMNS: readonly Column[] = [
  ['name', ({ name }) => name, 'left'],
  ['guarantee', ({ guarantee }) => guarantee ?? '', 'left'],
  ['records', ({ records }) => number(records), 'right'],
  ['rounds', ({ rounds }) => String(rounds), 'right'],
  ['Millrace', ({ millrace }) => number(millrace), 'right'],
  ['Kafka Streams', ({ jvm }) => number(jvm), 'right'],
  ['unit', ({ unit }) => unit, 'left'],
  [
    'ratio min–median–max',
    ({ ratios: { min, median, max } }) => [min, median, max].map(times).join('–'),
    'right',
  ],
  ['better', ({ better }) => better, 'left'],
  ['p99', ({ p99 }) => (p99 ? `${number(p99.millrace)} / ${number(p99.jvm)}` : ''), 'right'],
  ['Quix Streams', ({ quix }) => (quix === undefined ? '' : number(quix)), 'right'],
]

/** Columns in which no line has anything are left out. */
export function renderTable(results: readonly CompareResult[]): string {
  const columns = COLUMNS.map(([title, cell, align]) => ({ title, align, cells: results.map(cell) })).filter(
    ({ cells }) => cells.some(cell => cell !== ''),
  )
  const widths = columns.map(({ title, cells }) => Math.max(title.length, ...cells.map(cell => cell.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) =>
        columns[at]!.align === 'left' ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!),
      )
      .join('  ')
      .trimEnd()
  const rows = results.map((_, row) => line(columns.map(({ cells }) => cells[row]!)))
  return [line(columns.map(({ title }) => title)), ...rows].join('\n')
}
