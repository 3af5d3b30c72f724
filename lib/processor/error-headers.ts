import { utf8 } from '../common/bytes.ts'
import type { Header } from '../common/headers.ts'

/** Where the record came from whose processing has failed. */
export interface FailedPlace {
  readonly topic: string | undefined
  readonly partition: number
  readonly offset: number
}

/**
 * Headers of a dead letter under Kafka Streams' names (KIP-1034), so that tools that read its letters read
 * ours.
 */
export function errorHeaders(
  error: { readonly name: string; readonly message: string; readonly stack?: string | undefined },
  { topic, partition, offset }: FailedPlace,
): Header[] {
  return [
    header('exception', error.name),
    header('message', error.message),
    header('stacktrace', error.stack ?? `${error.name}: ${error.message}`),
    header('topic', topic),
    header('partition', String(partition)),
    header('offset', String(offset)),
  ]
}

function header(name: string, value: string | undefined): Header {
  return { key: `__streams.errors.${name}`, value: value === undefined ? null : utf8(value) }
}
