import { NO_HEADERS } from '../../../common/headers.ts'
import type { Header } from '../../../common/headers.ts'
import type { NativeMessage } from './native-client.ts'

/** Empty bytes with an address: the client takes an empty `Buffer` without one for null. */
const EMPTY: Uint8Array = Buffer.from('x').subarray(0, 0)

/** Bytes for `produce`, which would send empty ones as null, a tombstone. */
export function outgoingBytes(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && bytes.length === 0 ? EMPTY : bytes
}

/**
 * Headers for `produce`, an object for each, since the client drops a map silently. The client cannot send a
 * null value (it throws, and sends the record all the same) and reads one as empty, so null becomes empty
 * here.
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
