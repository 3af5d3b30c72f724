import { millraceProcesses, millraceSide } from '../compare/millrace-side.ts'
import { KEYS, PARTITIONS } from '../input.ts'
import type { Sweep } from './sweep.ts'

const VALUE_BYTES = 107
const RECORDS = 500_000
/** Of an input, so that large values do not fill the disk. */
const INPUT_BYTES = 500_000_000
const STATE_VALUE_BYTES = 1000
const UPDATES = 200_000
const MIB = 1024 * 1024

const usual = {
  records: RECORDS,
  keys: KEYS,
  valueBytes: VALUE_BYTES,
  partitions: PARTITIONS,
  side: millraceSide,
}

export const SWEEPS = {
  'value-size': {
    title: 'pass-through, by bytes of a value',
    unit: 'bytes',
    values: [100, 300, 1000, 3000, 10_000],
    smallValues: [100, 10_000],
    setup: (valueBytes, records = Math.min(RECORDS, Math.floor(INPUT_BYTES / valueBytes))) => ({
      ...usual,
      workload: 'pass-through',
      valueBytes,
      records,
    }),
  },
  keys: {
    title: 'count, by number of keys',
    unit: 'keys',
    values: [1000, 10_000, 100_000, 1_000_000, 10_000_000],
    smallValues: [1000, 2000],
    // Enough that keys come again: else only new rows would be measured.
    setup: (keys, records = Math.max(RECORDS, Math.floor(keys * 1.5))) => ({
      ...usual,
      workload: 'count',
      keys,
      records,
    }),
  },
  partitions: {
    title: 'count, by number of partitions, which is that of tasks',
    unit: 'partitions',
    values: [1, 4, 16, 64, 256],
    smallValues: [1, 16],
    setup: (partitions, records = RECORDS) => ({ ...usual, workload: 'count', partitions, records }),
  },
  processes: {
    title: 'count, by number of processes (millrace run --processes)',
    unit: 'processes',
    values: [1, 2, 3, 4],
    smallValues: [1, 2],
    setup: (processes, records = 2 * RECORDS) => ({
      ...usual,
      workload: 'count',
      records,
      side: processes === 1 ? millraceSide : millraceProcesses(processes),
    }),
  },
  state: {
    title: `updates of ${STATE_VALUE_BYTES}-byte rows, by MiB of state of the one task, filled before`,
    unit: 'MiB',
    values: [10, 100, 500, 1000],
    smallValues: [1, 4],
    setup: (mebibytes, records = UPDATES) => {
      const keys = Math.floor((mebibytes * MIB) / STATE_VALUE_BYTES)
      return {
        ...usual,
        workload: 'latest',
        keys,
        valueBytes: STATE_VALUE_BYTES,
        partitions: 1,
        records: keys + records,
        filling: keys,
      }
    },
  },
} satisfies { readonly [what: string]: Sweep }

export type What = keyof typeof SWEEPS
