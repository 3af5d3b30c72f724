import type { CompareResult } from './results.ts'

/**
 * How many times better Millrace is: the inverse where less is better, so that a longer bar is a better one.
 */
export function timesBetter({ ratio, better }: Pick<CompareResult, 'ratio' | 'better'>): number {
  return better === 'higher' ? ratio : 1 / ratio
}

const WIDTH = 760
const LEFT = 170
const RIGHT = 90
const TOP = 76
const BAR = 13
const ROW_GAP = 12
const BOTTOM = 44
const NUMBER_WIDTH = 52

const STYLE = `
    text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .quiet { fill: #59636e }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .one { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 4 3 }
    .at-least-once, .any { fill: #4184c4 }
    .exactly-once { fill: #2f9e6e }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .quiet { fill: #9198a1 }
      .grid { stroke: #30363d }
      .one { stroke: #e6edf3 }
      .at-least-once, .any { fill: #5aa0e6 }
      .exactly-once { fill: #3fb984 }
    }`

/**
 * Bars of how many times better than Kafka Streams, the line at 1 being a draw. SVG that reads on light and
 * dark pages.
 */
export function drawChart(results: readonly CompareResult[]): string {
  const groups = groupByName(results)
  const scaleMax = niceMax(Math.max(1.2, ...results.map(timesBetter)))
  const x = (times: number) => LEFT + (Math.min(times, scaleMax) / scaleMax) * (WIDTH - LEFT - RIGHT)
  let y = TOP
  const rows: string[] = []
  for (const [name, lines] of groups) {
    const middle = y + (lines.length * BAR) / 2 + 4
    rows.push(`<text x="${LEFT - 10}" y="${middle}" text-anchor="end">${name}</text>`)
    for (const line of lines) {
      rows.push(bar(line, x, y))
      y += BAR
    }
    y += ROW_GAP
  }
  const height = y + BOTTOM
  const label = 'How many times better Millrace is than Kafka Streams, by workload'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  <text class="title" x="14" y="24">Millrace against Kafka Streams 4.3.1, one process against one stream thread</text>
  <text class="quiet" x="14" y="43">times better, median of the rounds; right of the line Millrace is ahead</text>
  ${legend()}
  ${grid(scaleMax, x, y)}
  ${rows.join('\n  ')}
  <line class="one" x1="${x(1)}" y1="${TOP - 6}" x2="${x(1)}" y2="${y}"/>
  <text class="quiet" x="14" y="${height - 12}">latency, start-up and memory: the inverse of the ratio, since less is better</text>
</svg>
`
}

function bar(line: CompareResult, x: (times: number) => number, y: number): string {
  const times = timesBetter(line)
  const width = (x(times) - LEFT).toFixed(1)
  // A number that the line of a draw would cross stands behind it.
  const isCrossed = times < 1 && x(1) - x(times) < NUMBER_WIDTH
  const end = ((isCrossed ? x(1) : x(times)) + 6).toFixed(1)
  return (
    `<rect class="${line.guarantee ?? 'any'}" x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" rx="2"/>` +
    `<text class="quiet" x="${end}" y="${y + BAR - 3}">${times.toFixed(times < 10 ? 2 : 1)} ×</text>`
  )
}

function legend(): string {
  return [
    `<rect class="at-least-once" x="14" y="54" width="11" height="11" rx="2"/><text x="30" y="64">at-least-once</text>`,
    `<rect class="exactly-once" x="124" y="54" width="11" height="11" rx="2"/><text x="140" y="64">exactly-once</text>`,
  ].join('')
}

function grid(scaleMax: number, x: (times: number) => number, bottom: number): string {
  const step = scaleMax <= 3 ? 0.5 : scaleMax <= 8 ? 1 : scaleMax <= 20 ? 2 : scaleMax / 8
  const lines: string[] = []
  for (let times = 0; times <= scaleMax + 1e-9; times += step) {
    const at = x(times).toFixed(1)
    lines.push(
      `<line class="grid" x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${bottom}"/>` +
        `<text class="quiet" x="${at}" y="${bottom + 15}" text-anchor="middle">${Number(times.toFixed(1))}</text>`,
    )
  }
  return lines.join('\n  ')
}

function groupByName(results: readonly CompareResult[]): Map<string, CompareResult[]> {
  const groups = new Map<string, CompareResult[]>()
  for (const result of results) groups.set(result.name, [...(groups.get(result.name) ?? []), result])
  return groups
}

function niceMax(value: number): number {
  if (value <= 3) return Math.ceil(value * 2) / 2
  return value <= 8 ? Math.ceil(value) : Math.ceil(value / 2) * 2
}
