import type { HistogramSample } from '../../common/metrics/metrics.ts'

/** What came into histograms between two looks. */
export interface WindowedCounts {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly count: number
  readonly sum: number
}

/** Histograms count for ever; this gives what came since the last look, of several taken together. */
export class HistogramWindow {
  #before = new Map<string, HistogramSample>()

  since(histograms: readonly HistogramSample[]): WindowedCounts {
    const now = new Map(histograms.map(each => [keyOf(each), each]))
    const bounds = histograms[0]?.bounds ?? []
    const counts = new Array<number>(bounds.length + 1).fill(0)
    let count = 0
    let sum = 0
    for (const [key, histogram] of now) {
      // One that is new has counted since it was made; so has one whose task has come back.
      const known = this.#before.get(key)
      const before = known && known.count <= histogram.count ? known : undefined
      histogram.counts.forEach((value, at) => (counts[at]! += value - (before?.counts[at] ?? 0)))
      count += histogram.count - (before?.count ?? 0)
      sum += histogram.sum - (before?.sum ?? 0)
    }
    this.#before = now
    return { bounds, counts, count, sum }
  }
}

/**
 * The value that this share of all values is below, as if the values of a bucket lay evenly in it; undefined
 * of none. Above the last bound nothing is known but the bound.
 */
export function quantileOf({ bounds, counts, count }: WindowedCounts, share: number): number | undefined {
  if (count === 0) return undefined
  const wanted = share * count
  let below = 0
  for (const [at, upper] of bounds.entries()) {
    const here = counts[at]!
    if (here > 0 && below + here >= wanted) {
      const lower = at === 0 ? 0 : bounds[at - 1]!
      return lower + ((upper - lower) * (wanted - below)) / here
    }
    below += here
  }
  return bounds.at(-1)
}

function keyOf({ group, name, tags }: HistogramSample): string {
  return `${group} ${name} ${Object.values(tags).join(' ')}`
}
