import { describe, expect, it } from 'vitest'
import { drawChart, timesBetter } from '../../bench/compare/chart.ts'
import type { CompareResult } from '../../bench/compare/results.ts'

const result = (name: CompareResult['name'], ratio: number, better: 'higher' | 'lower'): CompareResult => ({
  name,
  guarantee: 'exactly-once',
  millrace: ratio,
  jvm: 1,
  ratio,
  unit: '',
  better,
  ratios: { min: ratio, median: ratio, max: ratio },
  rounds: 1,
  records: 1,
})

describe('the chart', () => {
  it('turns ratios round where less is better', () => {
    expect(timesBetter({ ratio: 0.25, better: 'lower' })).toBe(4)
    expect(timesBetter({ ratio: 3, better: 'higher' })).toBe(3)
  })

  it('draws a bar for each figure, with its number, and the line of a draw', () => {
    const svg = drawChart([result('count', 3.14, 'higher'), result('memory', 0.25, 'lower')])
    expect(svg.match(/<rect class="exactly-once" x="170"/g)).toHaveLength(2)
    expect(svg).toContain('3.14 ×')
    expect(svg).toContain('4.00 ×')
    expect(svg.match(/class="one"/g)).toHaveLength(1)
  })

  it('keeps the longest bar inside the picture', () => {
    const svg = drawChart([result('count', 57, 'higher'), result('restore', 0.5, 'higher')])
    const ends = [...svg.matchAll(/x="(\d+)" y="\d+" width="([\d.]+)"/g)].map(
      ([, x, width]) => Number(x) + Number(width),
    )
    expect(Math.max(...ends)).toBeLessThanOrEqual(680)
  })
})
