import { StreamsError } from '../common/errors.ts'
import { Headers } from '../common/headers.ts'

/**
 * A record on its way through processors: typed key and value, time in milliseconds since the epoch, headers. Immutable but
 * for its headers; `with…` makes a copy (KIP-478).
 */
export class Record<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: Headers

  constructor(key: K, value: V, timestamp: number, headers: Headers = new Headers()) {
    // As in the JVM original: a processor that makes a negative time has a bug, and no broker takes the record.
    if (!(timestamp >= 0)) throw negativeTimestamp(timestamp)
    this.key = key
    this.value = value
    this.timestamp = timestamp
    this.headers = headers
  }

  withKey<NK>(key: NK): Record<NK, V> {
    return new Record(key, this.value, this.timestamp, this.headers.copy())
  }

  withValue<NV>(value: NV): Record<K, NV> {
    return new Record(this.key, value, this.timestamp, this.headers.copy())
  }

  withTimestamp(timestamp: number): Record<K, V> {
    return new Record(this.key, this.value, timestamp, this.headers.copy())
  }

  withHeaders(headers: Headers): Record<K, V> {
    return new Record(this.key, this.value, this.timestamp, headers.copy())
  }
}

function negativeTimestamp(timestamp: number): StreamsError {
  return new StreamsError(
    'INVALID_TIMESTAMP',
    `a record cannot have the timestamp ${timestamp}: it must be 0 or more milliseconds since the epoch.`,
  )
}
