import type { OperatorContext } from '../../processor/operator-context.ts'

/**
 * The latest time that one operator has seen, by which records are late for its windows. It survives restarts
 * and aborts, so that the same records are late whatever happens (in Kafka Streams it begins anew).
 */
export class OperatorStreamTime {
  currentMs: number

  constructor(context: OperatorContext, storeName: string) {
    const name = `${storeName}-stream-time`
    this.currentMs = context.committedTimeMs(name) ?? -1
    context.keepTime(name, () => this.currentMs, { ifRoom: true })
  }

  reach(timeMs: number): void {
    if (timeMs > this.currentMs) this.currentMs = timeMs
  }
}
