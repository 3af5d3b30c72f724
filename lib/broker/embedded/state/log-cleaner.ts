import type { BrokerState } from './broker-state.ts'
import { compactLog, wantsCompaction } from '../log/compaction.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { applyRetention } from '../log/retention.ts'
import type { Topic } from '../log/topic.ts'

/** Kafka looks every five minutes; logs here are small, and tests and demos do not wait. */
const RETENTION_CHECK_MS = 30_000

/**
 * From now on the topic's logs are cleaned when a chunk fills up, and by the clock where `retention.ms` is
 * set.
 */
export function watchLogs(state: BrokerState, { logs }: Topic): void {
  for (const log of logs) {
    const { compacted, retentionMs, retentionBytes } = log.config
    if (compacted || retentionMs >= 0 || retentionBytes >= 0) log.onSeal = () => void clean(state, log, false)
    if (retentionMs >= 0) startTimer(state)
  }
}

/** Compacts everything but open transactions now, whatever the dirty ratio. */
export async function compactNow(state: BrokerState, log: PartitionLog): Promise<void> {
  await state.cleanings.get(log)
  log.seal()
  await state.settled()
  await state.cleanings.get(log)
  await clean(state, log, true)
}

function startTimer(state: BrokerState): void {
  state.retentionTimer ??= state.clock.schedule(RETENTION_CHECK_MS, () => {
    state.retentionTimer = undefined
    const logs = [...state.topics.values()].flatMap(topic => topic.logs)
    for (const log of logs) applyRetention(log, state.clock.nowMs())
    if (logs.some(log => log.config.retentionMs >= 0)) startTimer(state)
  })
}

function clean(state: BrokerState, log: PartitionLog, force: boolean): Promise<void> {
  const running = state.cleanings.get(log)
  if (running) return running
  const work = cleanInTurn(state, log, force).finally(() => state.cleanings.delete(log))
  state.cleanings.set(log, work)
  return work
}

/**
 * Never in the turn of the seal: the log is in the middle of an append then, and on disk only later. What is
 * sealed meanwhile has nobody else to ask for it, so it looks again while that gets anywhere. A failed
 * journal is its users' to report.
 */
async function cleanInTurn(state: BrokerState, log: PartitionLog, force: boolean): Promise<void> {
  await state.clock.nextTurn()
  await state.settled().catch(() => undefined)
  if (state.closed || log.deleted) return
  applyRetention(log, state.clock.nowMs())
  let cleanedBefore = -1
  while ((force || wantsCompaction(log)) && log.cleanedOffset > cleanedBefore && !state.closed) {
    cleanedBefore = log.cleanedOffset
    await compactLog(log, state.clock).catch(() => undefined)
  }
}
