import { useEffect, useRef, useState } from 'preact/hooks'
import { apiPath } from '../core/api.ts'
import type { TopicSummary } from '../core/api-types.ts'
import { nowMs } from '../core/time.ts'
import { useJson } from '../core/use-json.ts'

const PERIOD_MS = 3_000

/**
 * Records a second that come into each application, by the ends of its input topics: one question for all of
 * them, where a stream for each would take the browser's connections.
 */
export function useInputRates(): ReadonlyMap<string, number> {
  const { data } = useJson<{ topics: readonly TopicSummary[] }>(apiPath(['broker', 'topics']), {
    everyMs: PERIOD_MS,
  })
  const before = useRef<{ readonly atMs: number; readonly sums: ReadonlyMap<string, number> } | undefined>(
    undefined,
  )
  const [rates, setRates] = useState<ReadonlyMap<string, number>>(new Map())
  useEffect(() => {
    if (!data) return
    const current = { atMs: nowMs(), sums: inputsOf(data.topics) }
    const last = before.current
    before.current = current
    if (!last) return
    const seconds = Math.max((current.atMs - last.atMs) / 1_000, 0.001)
    const perSecond = ([id, sum]: readonly [string, number]) =>
      [id, Math.max(0, sum - (last.sums.get(id) ?? sum)) / seconds] as const
    setRates(new Map([...current.sums].map(perSecond)))
  }, [data])
  return rates
}

function inputsOf(topics: readonly TopicSummary[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { kind, applications, records } of topics)
    if (kind === 'input') for (const id of applications) sums.set(id, (sums.get(id) ?? 0) + records)
  return sums
}
