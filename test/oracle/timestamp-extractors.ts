import type { TimestampExtractor } from '../../lib/processor/timestamp-extractor.ts'
import {
  failOnInvalidTimestamp,
  skipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
} from '../../lib/processor/timestamp-extractor.ts'
import { Unsupported } from './case.ts'
import { parseLong } from './functions.ts'

const STANDARD: { readonly [name: string]: TimestampExtractor } = {
  fail: failOnInvalidTimestamp,
  skip: skipOnInvalidTimestamp,
  partitionTime: usePartitionTimeOnInvalidTimestamp,
}

export function timestampExtractor(spec: string): TimestampExtractor {
  if (spec === 'value') return record => parseLong(record.value) ?? -1
  const found = STANDARD[spec.slice(spec.indexOf('.') + 1)]
  if (!found) throw new Unsupported(`timestamp extractor ${spec}`)
  if (!spec.startsWith('value.')) return found
  return (record, partitionTimeMs) =>
    found({ ...record, timestamp: parseLong(record.value) ?? -1 }, partitionTimeMs)
}
