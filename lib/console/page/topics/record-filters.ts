import { route, setParams } from '../core/router.ts'
import { nowMs } from '../core/time.ts'

/** What records of a topic are asked for, as it stands in the address. */
export interface RecordFilters {
  readonly partition: string
  readonly offset: string
  readonly order: 'end' | 'start'
  readonly since: string
  readonly contains: string
  readonly key: string
  readonly isolation: 'committed' | 'uncommitted'
  readonly format: 'auto' | 'json' | 'text' | 'hex'
}

export function recordFilters(): RecordFilters {
  const { params } = route.value
  const text = (name: string) => params.get(name) ?? ''
  return {
    partition: text('partition'),
    offset: text('offset'),
    order: text('order') === 'start' ? 'start' : 'end',
    since: text('since'),
    contains: text('contains'),
    key: text('key'),
    isolation: text('isolation') === 'uncommitted' ? 'uncommitted' : 'committed',
    format: (['json', 'text', 'hex'] as const).find(each => each === text('format')) ?? 'auto',
  }
}

export const setFilter = (name: keyof RecordFilters, value: string): void =>
  setParams({ [name]: value, at: undefined })

/** Parameters of the API; an offset is one of a partition, and shows what comes from it on. */
export function recordParams(filters: RecordFilters): Record<string, string | number | undefined> {
  const { partition, offset, order, since, contains, key, isolation, format } = filters
  const isPlaced = /^\d+$/.test(offset)
  return {
    partition: partition === '' && isPlaced ? '0' : partition,
    from: isPlaced ? offset : order,
    sinceMs: sinceMs(since, minuteOf(nowMs())),
    contains,
    key,
    isolation,
    format,
  }
}

/** So that a question stays the same one for a minute. */
const minuteOf = (ms: number): number => Math.floor(ms / 60_000) * 60_000

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time, or how long ago: `15m`, `2h`, `2026-01-31T12:00Z`; undefined for what is neither. */
export function sinceMs(text: string, presentMs: number): number | undefined {
  const [, amount, unit = ''] = /^(\d+)\s*([smhd])$/.exec(text.trim()) ?? []
  if (amount !== undefined) return presentMs - Number(amount) * UNITS[unit]!
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
