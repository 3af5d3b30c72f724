import { StreamsError } from '../common/errors/errors.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import type { StreamsState } from '../streams/streams-state.ts'
import { commonHeaders, jsonAnswer } from './answer.ts'
import { RETRY_AFTER_S } from './http-error.ts'

const REASONS: { readonly [state in StreamsState]: string } = {
  created: 'the application has not been started',
  rebalancing: 'partitions are being divided, restored, or waited for with the broker',
  running: '',
  'pending-shutdown': 'the application is closing',
  'not-running': 'the application is closed',
  'pending-error': 'the application has failed and is ending',
  error: 'the application has failed',
}

/** Whether the process is worth keeping: it is, unless the application is in state `error`. */
export function live(streams: KafkaStreams): Response {
  const { state } = streams
  return state === 'error' ? unhealthy('NOT_LIVE', streams) : healthy(streams)
}

/** Whether it answers for all of its tasks: in state `running`. */
export function ready(streams: KafkaStreams): Response {
  return streams.state === 'running' ? healthy(streams) : unhealthy('NOT_READY', streams)
}

function healthy(streams: KafkaStreams): Response {
  return jsonAnswer({ applicationId: streams.applicationId, state: streams.state }, commonHeaders(streams))
}

/**
 * Anybody may ask: of the error its code is told, and not the message, which may name brokers and records.
 */
function unhealthy(code: string, streams: KafkaStreams): Response {
  const { applicationId, state, error } = streams
  const cause = error === undefined ? '' : ` (${error instanceof StreamsError ? error.code : error.name})`
  const message = `${REASONS[state]}${cause}`
  const retry = state === 'rebalancing' ? { 'retry-after': String(RETRY_AFTER_S) } : {}
  const body = { error: { code, message }, applicationId, state }
  return jsonAnswer(body, { ...commonHeaders(streams), ...retry }, 503)
}
