import { Buffer } from 'node:buffer'
import { asBuffer, utf8, utf8Text } from '../../common/bytes.ts'

/**
 * What a command is about: an operator with retry, or one of its partitions, keys or records (by the id that
 * the record's dead letter has, or would have). The most specific command wins.
 */
export interface ControlTarget {
  readonly operator: string
  readonly partition?: number | undefined
  /** Bytes of the key, as the operator's serde of keys makes them. */
  readonly key?: Uint8Array | undefined
  readonly letter?: string | undefined
}

/**
 * `pause`: nothing of the target is called until it is resumed; `ignore`: what fails is a dead letter at
 * once; `skip`: the record is a dead letter without another call.
 */
export type ControlAction = 'pause' | 'ignore' | 'skip'

/** Somebody's word about a target, in effect until it is taken back. */
export interface ControlCommand {
  readonly do: ControlAction
  readonly reason: string
  /** Who has said it. */
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** An entry of the audit: a command, or what has come of one for a record. */
export interface ControlEvent {
  readonly do: ControlAction | 'resume'
  readonly reason: string
  readonly by: string
  readonly at: number
  /** Set where a task has done as it was told with a record: what that is now. */
  readonly effect?: ControlledRecord | undefined
}

export interface ControlledRecord {
  readonly letter: string
  /** `output`: its call was under way, and has succeeded. */
  readonly became: 'letter' | 'output'
  readonly task: string
}

const VERSION = 1

/** The command's key in the topic of commands. */
export function targetText({ operator, partition, key, letter }: ControlTarget): string {
  if (letter !== undefined) return `${operator}/letter/${letter}`
  if (key !== undefined) return `${operator}/key/${asBuffer(key).toString('base64url')}`
  return partition === undefined ? operator : `${operator}/partition/${partition}`
}

/** Undefined where the text names no target. */
export function parseTarget(text: string): ControlTarget | undefined {
  const [operator = '', part, value, ...more] = text.split('/')
  if (operator === '' || more.length > 0) return undefined
  if (part === undefined) return { operator }
  if (value === undefined || (value === '' && part !== 'key')) return undefined
  if (part === 'letter') return { operator, letter: value }
  if (part === 'key') return keyTarget(operator, value)
  return part === 'partition' && /^\d+$/.test(value) ? { operator, partition: Number(value) } : undefined
}

/** A record skips itself alone; everything else is paused or ignored. */
export function isFor(action: ControlAction, { letter }: ControlTarget): boolean {
  return (action === 'skip') === (letter !== undefined)
}

export function encodeCommand(command: ControlCommand): Uint8Array {
  const { do: action, reason, by, at } = command
  return utf8(JSON.stringify({ v: VERSION, do: action, reason, by, at }))
}

/** Undefined where the bytes are no command, or one of a version that is not known yet. */
export function decodeCommand(bytes: Uint8Array): ControlCommand | undefined {
  const found = parsed(bytes)
  if (!found || !isAction(found['do'])) return undefined
  return { do: found['do'], ...authorship(found) }
}

export function encodeEvent({ do: action, reason, by, at, effect }: ControlEvent): Uint8Array {
  return utf8(JSON.stringify({ v: VERSION, do: action, reason, by, at, effect }))
}

export function decodeEvent(bytes: Uint8Array): ControlEvent | undefined {
  const found = parsed(bytes)
  const action = found?.['do']
  if (!found || !(isAction(action) || action === 'resume')) return undefined
  return { do: action, ...authorship(found), effect: found['effect'] as ControlledRecord | undefined }
}

function keyTarget(operator: string, text: string): ControlTarget | undefined {
  const key = Buffer.from(text, 'base64url')
  return key.toString('base64url') === text ? { operator, key } : undefined
}

function isAction(value: unknown): value is ControlAction {
  return value === 'pause' || value === 'ignore' || value === 'skip'
}

function authorship(found: { readonly [name: string]: unknown }): Omit<ControlCommand, 'do'> {
  const { reason, by, at } = found
  return {
    reason: typeof reason === 'string' ? reason : '',
    by: typeof by === 'string' ? by : '',
    at: typeof at === 'number' ? at : 0,
  }
}

function parsed(bytes: Uint8Array): { readonly [name: string]: unknown } | undefined {
  try {
    const found = JSON.parse(utf8Text(bytes)) as unknown
    const isCurrent = typeof found === 'object' && found !== null && 'v' in found && found.v === VERSION
    return isCurrent ? (found as { readonly [name: string]: unknown }) : undefined
  } catch {
    return undefined
  }
}
