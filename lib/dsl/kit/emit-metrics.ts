import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { Distribution } from '../../common/metrics/meter.ts'
import type { OperatorContext } from '../../processor/operator-context.ts'

const { node: NODE } = METRIC_GROUPS

/** Counter of rows that leave a suppression; undefined below level `debug`. */
export function suppressionEmits(context: OperatorContext): Counter | undefined {
  return context.metrics.isDebug
    ? context.metrics.meter('suppression-emit', tagsOf(context), NODE)
    : undefined
}

/** Measures of looking for windows that have closed; KIP-825. */
export interface FinalEmits {
  readonly count: Counter
  /** Milliseconds that a look takes. */
  readonly latency: Distribution
}

/** Measures of final results; undefined below level `debug`. */
export function finalEmits(context: OperatorContext): FinalEmits | undefined {
  const { metrics } = context
  if (!metrics.isDebug) return undefined
  const tags = tagsOf(context)
  return {
    count: metrics.meter('window-aggregate-final-emit', tags, NODE),
    latency: metrics.distribution('window-aggregate-final-emit-latency', tags, NODE),
  }
}

function tagsOf({ taskId, nodeName }: OperatorContext): { readonly [tag: string]: string } {
  return { 'task-id': taskId, 'processor-node-id': nodeName }
}
