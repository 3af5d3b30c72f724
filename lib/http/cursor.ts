import { Buffer } from 'node:buffer'
import { badParameter } from './http-error.ts'

/** Where a page ended: the part of the store, and the bytes of the last key there. */
export interface Cursor {
  readonly partition: number
  readonly key: Uint8Array
}

/** For clients it is a text without a meaning. */
export function cursorText({ partition, key }: Cursor): string {
  return `${partition}.${Buffer.from(key).toString('base64url')}`
}

export function parseCursor(text: string): Cursor {
  const match = /^(\d{1,9})\.([A-Za-z0-9_-]*)$/.exec(text)
  if (!match) throw badParameter('cursor', 'it is not one that this service gave out as "next"')
  return { partition: Number(match[1]), key: Buffer.from(match[2]!, 'base64url') }
}
