import { METRIC_GROUPS, type MetricGroup, type RecordingLevel } from './metrics.ts'

/**
 * Kinds of metrics. `meter`: `<name>-total` and `<name>-rate`, a second. `latency`: `<name>-avg`,
 * `<name>-max` and a histogram, all in milliseconds. `distribution`: mean and extremes.
 */
type Kind = 'counter' | 'gauge' | 'meter' | 'latency' | 'distribution'

interface Definition {
  readonly name: string
  readonly kind: Kind
  readonly about: string
  readonly level: RecordingLevel
  /** Statistics of a distribution or a latency. Default: `avg` and `max`. */
  readonly statistics: readonly string[]
}

/** One metric, for documents and for the help lines of Prometheus. */
export interface MetricDescription {
  readonly group: MetricGroup
  readonly name: string
  readonly about: string
  readonly level: RecordingLevel
}

const { client, thread, restore, task, node, topic, store, cache, consumer, own } = METRIC_GROUPS
const AVG_MIN_MAX = ['avg', 'min', 'max']

function define(level: RecordingLevel, kind: Kind, rows: readonly (readonly [string, string])[]) {
  return rows.map(([name, about]): Definition => ({ name, kind, about, level, statistics: ['avg', 'max'] }))
}

function ofThree(level: RecordingLevel, kind: Kind, name: string, about: string): Definition {
  return { name, kind, about, level, statistics: AVG_MIN_MAX }
}

const CATALOGUE: { readonly [group in MetricGroup]?: readonly Definition[] } = {
  [client]: define('info', 'gauge', [
    [
      'client-state',
      '0 created, 1 rebalancing, 2 running, 3 pending shutdown, 4 not running, 5 pending error, 6 error',
    ],
    ['alive-stream-threads', 'Threads that are open'],
    ['recording-level', '0 info, 1 debug'],
    ['version', 'Always 1; the tag `version` is that of Millrace'],
  ]).concat(define('info', 'counter', [['failed-stream-threads', 'Threads that have ended by an error']])),
  [thread]: [
    ...define('info', 'meter', [
      ['poll', 'Turns of the loop that looked for records'],
      ['process', 'Records processed'],
      ['punctuate', 'Punctuators called'],
      ['commit', 'Commits'],
      ['task-created', 'Tasks started'],
      ['task-closed', 'Tasks given up'],
    ]),
    ...define('info', 'latency', [
      ['poll-latency', 'Time of a look for records, the wait for them included'],
      ['process-latency', 'Time of a record, the mean of those of a turn'],
      ['punctuate-latency', 'Time of a punctuator'],
      [
        'commit-latency',
        'Time of a commit, from the seal of its epoch to its end; processing goes on meanwhile',
      ],
    ]),
    ...define('info', 'distribution', [
      ['poll-records', 'Records taken up in a turn'],
      ['process-records', 'Records processed in a turn'],
    ]),
    ...define('info', 'gauge', [
      ['poll-ratio', 'Share of the time spent on looking for records'],
      ['process-ratio', 'Share of the time spent on processing'],
      ['punctuate-ratio', 'Share of the time spent in punctuators'],
      ['commit-ratio', 'Share of the time in which a commit was under way; processing goes on meanwhile'],
      ['thread-start-time', 'When the thread began, in milliseconds since the epoch'],
      ['thread-state', '3 taking tasks over, 4 running, 6 ended: the numbers of Kafka Streams'],
    ]),
    ...define('info', 'counter', [
      ['blocked-time-ns-total', 'Time for which the loop stood still for the broker, in nanoseconds'],
    ]),
  ],
  [restore]: [
    ...define('info', 'gauge', [['active-restoring-tasks', 'Tasks that are being taken over']]),
    ...define('info', 'meter', [
      ['restore-records', 'Changelog records restored by all tasks'],
      ['restore-call', 'Batches of changelog records restored by all tasks'],
    ]),
  ],
  [task]: [
    ...define('info', 'meter', [
      ['dropped-records', 'Records left out: no key, no value, late, refused and dropped by a handler'],
      ['restore', 'Changelog records restored'],
    ]),
    ...define('info', 'gauge', [
      ['restore-remaining-records-total', 'Offsets that are still to be restored'],
      ['active-buffer-count', 'Records that were fetched and wait'],
      ['cache-size-bytes-total', 'Bytes of state that wait for a commit'],
    ]),
    ...define('debug', 'meter', [
      ['process', 'Records processed'],
      ['enforced-processing', 'Records taken though an input without records may hold older ones'],
      ['punctuate', 'Punctuators called'],
    ]),
    ...define('debug', 'latency', [
      ['process-latency', 'Time of a record, the mean of those of a run'],
      ['punctuate-latency', 'Time of a punctuator'],
    ]),
    ...define('debug', 'distribution', [
      ['record-lateness', 'How far a record is behind stream time, in milliseconds'],
    ]),
    ...define('debug', 'gauge', [
      ['active-process-ratio', "Share of the thread's processing time spent on the task"],
    ]),
  ],
  [node]: [
    ofThree(
      'info',
      'latency',
      'record-e2e-latency',
      "From a record's timestamp until it reaches the node: sources, and nodes where records end",
    ),
    ...define('debug', 'meter', [
      ['process', 'Records that came to the node'],
      ['suppression-emit', 'Rows that left a suppression'],
      ['window-aggregate-final-emit', 'Looks for windows that have closed'],
    ]),
    ...define('debug', 'distribution', [
      ['window-aggregate-final-emit-latency', 'Time of a look for windows that have closed, in milliseconds'],
    ]),
  ],
  [topic]: define('info', 'counter', [
    ['records-consumed-total', 'Records read from the topic by the node'],
    ['bytes-consumed-total', 'Bytes read from the topic by the node'],
    ['records-produced-total', 'Records written to the topic by the node'],
    ['bytes-produced-total', 'Bytes written to the topic by the node'],
  ]),
  [store]: [
    ...define(
      'debug',
      'meter',
      storeOperations(name => [name, `Calls of ${name}`]),
    ),
    ...define(
      'debug',
      'distribution',
      storeOperations(name => [`${name}-latency`, `Time of ${name}, in nanoseconds`]),
    ),
    ...define('debug', 'distribution', [
      ['iterator-duration', 'How long iterators were open, in nanoseconds'],
      ['suppression-buffer-size', 'Bytes that a suppression held'],
      ['suppression-buffer-count', 'Rows that a suppression held'],
    ]),
    ...define('debug', 'gauge', [
      ['num-open-iterators', 'Iterators that were not read to their end or closed'],
      [
        'oldest-iterator-open-since-ms',
        'When the oldest of them was opened, in milliseconds since the epoch',
      ],
      ['estimate-num-keys', 'Entries, estimated'],
    ]),
  ],
  [cache]: [
    ofThree('debug', 'distribution', 'hit-ratio', 'Share of calls that the engine was not asked for'),
  ],
  [consumer]: define('info', 'gauge', [
    ['records-lag', 'Offsets between what was fetched of the partition and its end'],
  ]),
  [own]: [
    ...define('info', 'counter', [
      ['abort-total', 'Epochs taken back: their records are processed again'],
      ['rejoin-total', 'Threads begun anew after a failure that passes; the tag says which'],
      ['store-cache-evictions-total', 'Entries that left the memory of a store'],
      ['task-directories-removed-total', 'State directories removed, of tasks that are elsewhere'],
      ['async-calls-total', 'Asynchronous calls begun'],
      ['async-failures-total', 'Asynchronous calls that failed'],
      ['async-timeouts-total', 'Asynchronous calls that took too long'],
      ['timers-fired-total', 'Timers that were due and called their handler'],
      ['dead-letters-total', 'Records that an operator with retry gave up; each is in its dead letters'],
      ['schedules-fired-total', 'Firings of schedules, those of triggers included'],
      ['schedules-missed-total', 'Times of schedules for which nothing fired, or another time did'],
      ['schedules-refused-total', 'Definitions of schedules, and orders, that could not be used'],
      ['deduplicate-duplicates-total', 'Records dropped, since one of their key and id had passed'],
      ['deduplicate-late-total', 'Records that passed, too late for it to be known whether they came before'],
      ['gather-completed-total', 'Batches of which all results came'],
      ['gather-timed-out-total', 'Batches whose deadline passed first'],
      ['gather-failed-total', 'Batches whose total was corrected to less than the results that had come'],
      ['gather-duplicates-total', 'Results that came again, and were not counted'],
      ['gather-late-total', 'Records of batches that had ended already'],
      ['clock-jumps-total', 'Times at which a task with schedules has found the clock set'],
      ['push-events-sent-total', 'Events that a push hub has sent, once for each client'],
      ['push-events-merged-total', 'Events that a slow client did not get, since a newer one stood for each'],
      [
        'push-events-skipped-total',
        'Events that clients were told not to get: merged, or too old to be kept',
      ],
      [
        'push-resume-ranges-total',
        'Reads of the log of a push hub, for clients that come or have fallen behind',
      ],
      [
        'push-slow-disconnects-total',
        'Clients of a push hub that were too slow, and told to come back later',
      ],
      [
        'push-silent-disconnects-total',
        'Clients of a push hub that gave no sign of life, and were let go of',
      ],
      [
        'push-refused-total',
        'Requests that a push hub has refused: by token, origin, number, or for want of room',
      ],
      ['control-unreadable-total', 'Records in the topic of commands that are no command'],
      ['key-value-commands-accepted-total', 'Commands that the single writer of a store has carried out'],
      ['key-value-commands-conflicted-total', 'Commands that expected another version than the row had'],
      ['key-value-commands-repeated-total', 'Commands that came again, and were only answered again'],
      ['upsert-rows-written-total', 'Rows that an upsert sink has written, of what is new to its target'],
      ['upsert-rows-older-total', 'Rows that an upsert sink left out: the target had the same, or newer'],
      ['upsert-failures-total', 'Statements of an upsert sink that failed; their rows are tried again'],
      ['key-value-commands-refused-total', 'Records in the topic of a store’s commands that are no command'],
    ]),
    ...define('info', 'gauge', [
      ['store-cache-bytes', 'Memory of a store for committed values'],
      ['uncommitted-bytes', 'Memory of a store for what waits for a commit'],
      ['suppression-buffer-count', 'Rows that a suppression holds'],
      ['suppression-buffer-size', 'Bytes that a suppression holds'],
      ['async-calls-in-flight', 'Asynchronous calls under way'],
      ['retry-parked-records', 'Records that wait for their next call, or behind one that does'],
      ['retry-paused-records', 'Records that would be called, and are paused'],
      ['timers-pending', 'Timers of a task that are still to fire'],
      ['push-connections', 'Clients of a push hub, by kind: websocket or sse'],
      ['key-value-store-keys', 'Rows of a key-value store'],
      ['key-value-store-bytes', 'Memory of a key-value store, estimated'],
      ['key-value-store-lag', 'Offsets that a key-value store is behind its topic; −1: not known'],
      ['key-value-commands-pending', 'Writes of this process that wait for the single writer'],
      ['retry-circuit-open', '1 during an outage, as the circuit of an operator with retry sees it'],
    ]),
    ...define('info', 'meter', [
      ['poll-time-ms', 'Time spent on looking for records'],
      ['process-time-ms', 'Time spent on processing'],
      ['punctuate-time-ms', 'Time spent in punctuators'],
      ['commit-time-ms', 'Time in which a commit was under way'],
    ]),
    ...define('debug', 'meter', [['task-process-time-ms', 'Time spent on processing by the task']]),
  ],
}

function storeOperations(row: (name: string) => readonly [string, string]) {
  const reads = ['get', 'fetch', 'range', 'all', 'prefix-scan']
  const writes = ['put', 'put-if-absent', 'put-all', 'delete', 'remove', 'flush', 'restore', 'commit']
  return [...reads, ...writes].map(row)
}

/** All metrics, with their full names. */
export const METRIC_CATALOGUE: readonly MetricDescription[] = Object.entries(CATALOGUE).flatMap(
  ([group, definitions]) => definitions.flatMap(definition => described(group as MetricGroup, definition)),
)

/**
 * The meaning of a metric, or of the histogram of a latency; for a metric of the application's own, its name.
 */
export function aboutMetric(group: string, name: string): string {
  const found = METRIC_CATALOGUE.find(each => each.group === group && each.name === name)
  if (found) return found.about
  const base = CATALOGUE[group as MetricGroup]?.find(each => each.name === name)
  return base?.about ?? name
}

function described(
  group: MetricGroup,
  { name, kind, about, level, statistics }: Definition,
): MetricDescription[] {
  const one = (ending: string, text: string) => ({ group, name: `${name}${ending}`, about: text, level })
  if (kind === 'meter') return [one('-total', about), one('-rate', `${about}, a second`)]
  if (kind === 'counter' || kind === 'gauge') return [one('', about)]
  const words: { readonly [statistic: string]: string } = { avg: 'mean', min: 'least', max: 'most' }
  return statistics.map(each => one(`-${each}`, `${about}: ${words[each]!}`))
}
