import { Buffer } from 'node:buffer'
import { utf8, utf8Text } from '../../common/bytes.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { SchedulePolicy, ScheduleTarget } from '../../store/operator/schedule-state.ts'
import type { ScheduleDefinition } from './next-fire.ts'
import { definitionText, schedulePolicy, type SchedulePolicyOptions } from './schedule-options.ts'

/**
 * Keys of a topic of schedules: a definition's is its id; an order's begins with `@`, which no id does, so
 * that compaction keeps both.
 */
const PAUSE = '@pause/'
const TRIGGER = '@trigger/'

/** Set on the record by which a node removes a definition that has fired for the last time. */
export const DONE_HEADER = '__millrace.schedule.done'

export type ScheduleOrder =
  | { readonly kind: 'define'; readonly id: string }
  | { readonly kind: 'pause'; readonly id: string }
  | { readonly kind: 'trigger'; readonly id: string; readonly order: string }

/** What is noted of an order. */
export interface OrderNote {
  readonly by: string
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A schedule in the topic of definitions. */
export type DefinitionRecord = ScheduleDefinition & SchedulePolicyOptions & { readonly to: ScheduleTarget }

export interface ReadDefinition {
  readonly definition: string
  readonly policy: SchedulePolicy
  readonly to: ScheduleTarget
}

export function orderKey(order: ScheduleOrder): Uint8Array {
  if (order.kind === 'define') return utf8(order.id)
  return utf8(order.kind === 'pause' ? PAUSE + order.id : `${TRIGGER}${order.order}/${order.id}`)
}

/** Undefined where it is no key of such a topic. */
export function parseOrderKey(key: Uint8Array | null): ScheduleOrder | undefined {
  const text = key ? utf8Text(key) : ''
  if (text.startsWith(PAUSE)) return { kind: 'pause', id: text.slice(PAUSE.length) }
  if (text.startsWith(TRIGGER)) {
    const end = text.indexOf('/', TRIGGER.length)
    return end < 0
      ? undefined
      : { kind: 'trigger', order: text.slice(TRIGGER.length, end), id: text.slice(end + 1) }
  }
  return text === '' || text.startsWith('@') ? undefined : { kind: 'define', id: text }
}

export function encodeNote(note: OrderNote): Uint8Array {
  return utf8(JSON.stringify({ v: 1, ...note }))
}

export function decodeNote(bytes: Uint8Array): OrderNote {
  const note = JSON.parse(utf8Text(bytes)) as Partial<OrderNote>
  return { by: String(note.by ?? ''), reason: String(note.reason ?? ''), at: Number(note.at ?? 0) }
}

export function encodeDefinition(definition: DefinitionRecord): Uint8Array {
  return utf8(JSON.stringify({ v: 1, ...definition }))
}

/** Throws where it is no definition, and says why. */
export function readDefinition(bytes: Uint8Array): ReadDefinition {
  const read = parsed(bytes)
  if (read['v'] !== 1) throw new TypeError(`its version is ${String(read['v'])}, and not 1`)
  const to = read['to'] as Partial<ScheduleTarget> | undefined
  if (typeof to?.sink !== 'string') throw new TypeError('it has no to.sink')
  for (const part of [to.key, to.value])
    if (part !== null && typeof part !== 'string') throw new TypeError('its key and value are not in base64')
  const { sink, key = null, value = null } = to
  return {
    definition: definitionText(read as unknown as ScheduleDefinition),
    policy: schedulePolicy(read),
    to: { sink, key, value },
  }
}

export function toBase64(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

export function fromBase64(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text, 'base64')
}

function parsed(bytes: Uint8Array): { readonly [name: string]: unknown } {
  try {
    const read: unknown = JSON.parse(utf8Text(bytes))
    if (typeof read === 'object' && read !== null) return read as { readonly [name: string]: unknown }
  } catch (error) {
    throw new TypeError(`it is no JSON: ${errorFrom(error).message}`)
  }
  throw new TypeError('it is no object')
}
