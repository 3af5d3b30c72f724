import { NO_HEADERS } from '../../../common/headers.ts'
import type { Header } from '../../../common/headers.ts'
import type { NativeMessage } from './native-client.ts'

/**
 * A zero-length `Buffer` of its own has no address, and the client takes it for null; an empty slice of
 * something has one.
 */
const EMPTY: Uint8Array = Buffer.from('x').subarray(0, 0)

/** Bytes as `produce` must get them: empty ones would be sent as null, which is a tombstone. */
export function outgoingBytes(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && bytes.length === 0 ? EMPTY : bytes
}

/**
 * One object per header, since a map would be dropped silently. The client cannot send a null header value
 * (it throws and sends the record all the same), and reads one as empty: null becomes empty here.
 */
export function outgoingHeaders(headers: readonly Header[]): { [key: string]: Uint8Array }[] | undefined {
  if (headers.length === 0) return undefined
  return headers.map(({ key, value }) => ({ [key]: outgoingBytes(value) ?? EMPTY }))
}

export function incomingHeaders(native: NativeMessage['headers']): readonly Header[] {
  if (native === undefined) return NO_HEADERS
  const headers: Header[] = []
  for (const each of native) for (const key in each) headers.push({ key, value: each[key] ?? null })
  return headers
}
