import type { PushEvent } from '../dsl/push/push-event.ts'
import type { OutgoingMessage } from './transport.ts'

/** What a client gets. */
export type PushMessage =
  | {
      readonly type: 'event'
      readonly seq: number
      readonly atMs: number
      /** Set on events that tell an end. */
      readonly terminal?: true
      readonly data: unknown
    }
  /**
   * These numbers do not come any more: newer events stand for them, since the client was too slow, or they
   * are too old to be kept.
   */
  | { readonly type: 'gap'; readonly from: number; readonly to: number }

const texts = new WeakMap<PushEvent, string>()

/** The text is made once for all clients of a channel. */
export function eventMessage(event: PushEvent): OutgoingMessage {
  let text = texts.get(event)
  if (text === undefined) {
    const { seq, atMs, isTerminal, data } = event
    const message: PushMessage = { type: 'event', seq, atMs, ...(isTerminal && { terminal: true }), data }
    texts.set(event, (text = JSON.stringify(message)))
  }
  return { text, seq: event.seq }
}

export function gapMessage(from: number, to: number): OutgoingMessage {
  const message: PushMessage = { type: 'gap', from, to }
  return { text: JSON.stringify(message), seq: to }
}
