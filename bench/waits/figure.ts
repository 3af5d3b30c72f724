/** One figure of a measurement. */
export interface WaitFigure {
  readonly what: string
  readonly value: number
  readonly unit: 'MB' | 's' | 'ms' | '1/s'
}

/** Of figures that are late by so many milliseconds: the middle one, the 99th of a hundred, the last. */
export function lateness(what: string, lateMs: readonly number[]): WaitFigure[] {
  const sorted = [...lateMs].sort((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return [
    { what: `${what}: late, median`, value: at(0.5), unit: 'ms' },
    { what: `${what}: late, 99th percentile`, value: at(0.99), unit: 'ms' },
    { what: `${what}: late, most`, value: at(1), unit: 'ms' },
  ]
}
