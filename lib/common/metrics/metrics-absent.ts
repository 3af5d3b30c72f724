/**
 * Metrics of Kafka Streams that Millrace does not have, and why: for documents, and for the test that
 * compares the names.
 */
export interface AbsentMetrics {
  readonly group: string
  readonly names: readonly string[]
  readonly why: string
}

export const METRICS_ABSENT: readonly AbsentMetrics[] = [
  {
    group: 'stream-metrics',
    names: ['application-id', 'topology-description', 'state', 'commit-id'],
    why: 'a text: the label `application_id` of every metric over HTTP, `describe()`, `client-state` as a number; a package has no commit id',
  },
  {
    group: 'stream-thread-metrics',
    names: ['state'],
    why: 'a text: `thread-state` has it as a number',
  },
  {
    group: 'stream-state-updater-metrics',
    names: ['idle-ratio', 'active-restore-ratio', 'checkpoint-ratio'],
    why: 'restores have no thread of their own: they go on beside the loop',
  },
  {
    group: 'stream-state-updater-metrics',
    names: ['standby-update-ratio', 'standby-updating-tasks', 'standby-paused-tasks', 'active-paused-tasks'],
    why: 'there are no standby tasks, and an application cannot be paused',
  },
  {
    group: 'stream-state-metrics',
    names: ['record-e2e-latency-avg', 'record-e2e-latency-max', 'record-e2e-latency-min'],
    why: 'only at level `trace`, which is not there',
  },
  {
    group: 'stream-state-metrics',
    names: [
      ...['background-errors', 'block-cache-capacity', 'block-cache-data-hit-ratio'],
      ...['block-cache-filter-hit-ratio', 'block-cache-index-hit-ratio', 'block-cache-pinned-usage'],
      ...['block-cache-usage', 'bytes-read-compaction-rate', 'bytes-read-rate', 'bytes-read-total'],
      ...['bytes-written-compaction-rate', 'bytes-written-rate', 'bytes-written-total'],
      ...['compaction-pending', 'compaction-time-avg', 'compaction-time-max', 'compaction-time-min'],
      ...['cur-size-active-mem-table', 'cur-size-all-mem-tables', 'estimate-pending-compaction-bytes'],
      ...['estimate-table-readers-mem', 'live-sst-files-size', 'mem-table-flush-pending'],
      ...['memtable-bytes-flushed-rate', 'memtable-bytes-flushed-total', 'memtable-flush-time-avg'],
      ...['memtable-flush-time-max', 'memtable-flush-time-min', 'memtable-hit-ratio'],
      ...['num-deletes-active-mem-table', 'num-deletes-imm-mem-tables', 'num-entries-active-mem-table'],
      ...['num-entries-imm-mem-tables', 'num-immutable-mem-table', 'num-live-versions'],
      ...['num-running-compactions', 'num-running-flushes', 'number-file-errors-total'],
      ...['number-open-files', 'size-all-mem-tables', 'total-sst-files-size'],
      ...['write-stall-duration-avg', 'write-stall-duration-total'],
    ],
    why: 'RocksDB has it; LevelDB tells nothing like it',
  },
]
