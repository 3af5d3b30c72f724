import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { commonHeaders, lagHeaders } from './answer.ts'
import { ChangeStream, isEnding, type ChangeStreamOptions } from './change-stream.ts'
import { notAvailable } from './http-error.ts'
import type { ServedStore } from './served-stores.ts'

/**
 * Changes of a store from now on, as server-sent events. `isHead`: the headers only, and nothing is watched.
 */
export function watchChanges(
  streams: KafkaStreams,
  store: ServedStore,
  {
    isHead,
    ...options
  }: Omit<ChangeStreamOptions, 'streams' | 'storeName' | 'isWindowed'> & { readonly isHead: boolean },
): Response {
  const { name, reading } = store
  const isWindowed = reading === 'windows' || reading === 'sessions'
  if (isEnding(streams.state) || options.stop.aborted) {
    throw notAvailable(streams.state, `store "${name}" does not change any more`)
  }
  const body = isHead ? null : new ChangeStream({ ...options, streams, storeName: name, isWindowed }).body
  const headers = {
    ...commonHeaders(streams),
    ...lagHeaders(store),
    'content-type': 'text/event-stream; charset=utf-8',
    // Proxies that gather answers (nginx) would hold events back.
    'x-accel-buffering': 'no',
  }
  return new Response(body, { headers })
}
