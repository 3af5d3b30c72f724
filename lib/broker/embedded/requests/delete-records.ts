import type { TopicPartitionOffset } from '../../broker.ts'
import type { BrokerState } from '../state/broker-state.ts'
import { offsetOutOfRange } from '../state/errors.ts'

/**
 * DeleteRecords. Moves the first offset on; whole chunks before it are dropped. -1 means the high watermark.
 */
export function deleteRecords(state: BrokerState, before: readonly TopicPartitionOffset[]): void {
  state.assertOpen()
  for (const partition of before) {
    const log = state.logOrThrow(partition)
    const offset = partition.offset === -1 ? log.highWatermark : partition.offset
    if (offset > log.highWatermark) {
      throw offsetOutOfRange([partition], `offset ${offset} lies behind the end ${log.highWatermark}`)
    }
    log.advanceStart(offset)
  }
}
