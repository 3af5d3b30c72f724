/** Why a connection ends, as a WebSocket says it. */
export const GOING_AWAY = 1001
/** "Try again later": the client comes back with the last number it has seen. */
export const TRY_AGAIN_LATER = 1013

/** One message to a client; `seq` is where it may go on after it. */
export interface OutgoingMessage {
  readonly text: string
  readonly seq?: number
}

/** The way to one client: a WebSocket, or an answer of server-sent events. */
export interface Transport {
  readonly kind: 'websocket' | 'sse'
  /** Bytes that were sent and that the client has not taken, nor the system for it. */
  readonly waitingBytes: number
  /** Called whenever some of what waited was taken. */
  onDrain: () => void
  onClose: () => void
  send(message: OutgoingMessage): void
  /** A sign of life. Returns false where the last one had no answer, and one is to be had. */
  beat(): boolean
  /** Says why, and ends. */
  close(code: number, reason: string): void
  /** Ends at once. */
  terminate(): void
}
