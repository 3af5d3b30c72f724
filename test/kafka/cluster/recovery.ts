import type { Arrival } from './witness.ts'

/** What a fault did to the committed output, in ms. Undefined: it did not come back. */
export interface Recovery {
  readonly label: string
  /** From the fault until the cluster itself had healed, where that was watched. */
  readonly healedMs?: number | undefined
  /** From the fault to the first output committed after it, of any partition. */
  readonly firstMs: number | undefined
  /** From the fault until every partition has shown output of an input that was written after it. */
  readonly allMs: number | undefined
  /** The longest silence of a partition, from the fault on. */
  readonly gapMs: number
}

export interface Fault {
  readonly label: string
  readonly atMs: number
}

/** `partitions` are those that had output before the fault, as `partitionOf` names them. */
export function recoveryOf(
  { label, atMs }: Fault,
  partitions: ReadonlySet<string>,
  arrivals: readonly Arrival[],
  nowMs: number,
): Recovery {
  const after = arrivals.filter(each => each.atMs >= atMs)
  const backs = new Map<string, number>()
  const lastMs = new Map([...partitions].map(each => [each, atMs]))
  let gapMs = 0
  for (const arrival of after) {
    const name = partitionOf(arrival)
    if (!partitions.has(name)) continue
    if (arrival.latestMs >= atMs && !backs.has(name)) backs.set(name, arrival.atMs - atMs)
    gapMs = Math.max(gapMs, arrival.atMs - lastMs.get(name)!)
    lastMs.set(name, arrival.atMs)
  }
  for (const each of lastMs.values()) gapMs = Math.max(gapMs, nowMs - each)
  return {
    label,
    firstMs: after[0] && after[0].atMs - atMs,
    allMs: backs.size === partitions.size ? Math.max(...backs.values()) : undefined,
    gapMs,
  }
}

export function partitionOf({ topic, partition }: Arrival): string {
  return `${topic}-${partition}`
}

export function recoveryText({ label, healedMs, firstMs, allMs, gapMs }: Recovery): string {
  const seconds = (ms: number | undefined) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`)
  const healed = healedMs === undefined ? '' : `cluster ${seconds(healedMs)}, `
  return `${label}: ${healed}first ${seconds(firstMs)}, all ${seconds(allMs)}, longest gap ${seconds(gapMs)}`
}
