import { invalidSuppression } from '../options/suppressed.ts'
import type { TableOperator } from './table-operator.ts'
import type { GraphNode } from '../graph/graph-node.ts'

/**
 * Time after their ends at which the windows of a table close: that of the aggregations above, the longest
 * where several ways lead up. Throws `INVALID_SUPPRESSION` where one of these leads to no windows.
 */
export function closeDelayMs(node: GraphNode, below = ''): number {
  const { role, parents, name } = node
  if (role.kind === 'processor') {
    const delayMs = (role.supplier as Partial<TableOperator>).closeDelayMs
    if (delayMs !== undefined) return delayMs
  }
  const chain = below === '' ? name : `${name} → ${below}`
  if (parents.size === 0) {
    throw invalidSuppression(
      `untilWindowCloses needs a table of windows, but there are none above: ${chain}. Use untilTimeLimit, or aggregate in windows.`,
    )
  }
  return Math.max(...Array.from(parents, parent => closeDelayMs(parent, chain)))
}
