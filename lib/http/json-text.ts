import { Buffer } from 'node:buffer'

/**
 * JSON of what serdes return, where `JSON.stringify` loses or refuses: a bigint is a text of its digits,
 * bytes (`Uint8Array`, `Buffer`, `ArrayBuffer`) are base64, a `Map` is a list of pairs, a `Set` a list, and
 * NaN and the infinities are texts of their names.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, replace) ?? 'null'
}

/** The raw property is looked at: `toJSON` of a Buffer has been called when its result comes here. */
function replace(this: unknown, name: string, shown: unknown): unknown {
  const raw = (this as { readonly [name: string]: unknown })[name]
  switch (typeof raw) {
    case 'bigint':
      return String(raw)
    case 'number':
      return Number.isFinite(raw) ? raw : String(raw)
    case 'object':
      return raw === null ? null : replaceObject(raw, shown)
    default:
      return shown
  }
}

function replaceObject(raw: object, shown: unknown): unknown {
  if (ArrayBuffer.isView(raw)) return base64(raw.buffer, raw.byteOffset, raw.byteLength)
  if (raw instanceof ArrayBuffer) return base64(raw, 0, raw.byteLength)
  if (raw instanceof Map || raw instanceof Set) return [...raw]
  return shown
}

function base64(buffer: ArrayBufferLike, offset: number, length: number): string {
  return Buffer.from(buffer, offset, length).toString('base64')
}
