import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { StoreContext } from '../contract/state-store.ts'

const READ_CACHE_BYTES_MAX = 16 * 1024 * 1024

/** The cache of a store, within its budget for clean entries, and with its metrics. */
export function openCache<C extends { readonly cleanBytes: number; readonly pinnedBytes: number }>(
  name: string,
  context: StoreContext,
  make: (cleanBytesMax: () => number, evictions: Counter) => C,
): C {
  const tags = { 'task-id': context.taskId ?? 'global', store: name }
  const evictions = context.metrics.counter('store-cache-evictions-total', tags, METRIC_GROUPS.own)
  const cache = make(() => context.readCacheBytesMax ?? READ_CACHE_BYTES_MAX, evictions)
  context.metrics.gauge('store-cache-bytes', tags, () => cache.cleanBytes, METRIC_GROUPS.own)
  context.metrics.gauge('uncommitted-bytes', tags, () => cache.pinnedBytes, METRIC_GROUPS.own)
  return cache
}
