/** A record's value as JSON; throws where it is none. */
export function jsonOf<T>(bytes: Uint8Array | null): T {
  return JSON.parse(textOf(bytes)) as T
}

export function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
