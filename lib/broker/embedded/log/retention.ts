import type { PartitionLog } from './partition-log.ts'

/**
 * Deletes whole chunks that are older than `retention.ms` or over `retention.bytes`, from the start, never
 * past the last stable offset. A tail that is too old as a whole is sealed and deleted as well.
 */
export function applyRetention(log: PartitionLog, nowMs: number): void {
  const { deleted, retentionMs, retentionBytes } = log.config
  if (!deleted || (retentionMs < 0 && retentionBytes < 0)) return
  const oldestMs = retentionMs < 0 ? Number.NEGATIVE_INFINITY : nowMs - retentionMs
  if (log.tailMaxTimestamp < oldestMs) log.seal()
  let excessBytes = retentionBytes < 0 ? Number.NEGATIVE_INFINITY : log.bytes - retentionBytes
  let startOffset = log.startOffset
  for (const { nextOffset, maxTimestamp, bytes } of log.sealed) {
    if (nextOffset > log.stableOffset || (maxTimestamp >= oldestMs && excessBytes < bytes)) break
    excessBytes -= bytes
    startOffset = nextOffset
  }
  if (startOffset > log.startOffset) log.advanceStart(startOffset)
}
