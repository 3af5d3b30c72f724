import { Buffer } from 'node:buffer'
import { utf8Text } from '../../common/bytes.ts'
import type { ListedCommand, ListedEvent, ListedTarget } from '../../patterns/control/control-client.ts'
import { escapedCell, timeText } from '../records/record-table.ts'

/** `charge, key u7`. */
export function targetWords(target: ListedTarget): string {
  return [target.operator, partOf(target)].filter(part => part !== '').join(', ')
}

/** What of the operator is meant; empty: all of it. */
function partOf({ partition, key, letter }: ListedTarget): string {
  if (letter !== undefined) return `record ${letter}`
  if (partition !== undefined) return `partition ${partition}`
  return key === undefined ? '' : `key ${keyText(key)}`
}

export const COMMAND_HEADING = ['OPERATOR', 'TARGET', 'COMMAND', 'SINCE', 'BY', 'REASON']

export function commandRow({ target, do: action, at, by, reason }: ListedCommand): string[] {
  const part = partOf(target)
  return [target.operator, part === '' ? 'all' : part, action, timeText(at), by, reason].map(escapedCell)
}

export const EVENT_HEADING = ['AT', 'OPERATOR', 'TARGET', 'WHAT', 'BY', 'REASON']

export function eventRow({ target, do: action, effect, at, by, reason }: ListedEvent): string[] {
  const part = partOf(target)
  const what = effect ? `${action}: ${effect.letter} became ${effect.became}` : action
  return [timeText(at), target.operator, part === '' ? 'all' : part, what, by, reason].map(escapedCell)
}

/** One line of JSON. */
export function jsonLine({ target, at, ...others }: ListedCommand | ListedEvent): string {
  const { key } = target
  const shown = key instanceof Uint8Array ? { ...target, key: plainBytes(key) } : target
  const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
  return `${JSON.stringify({ target: shown, ...others, at: timeText(at) }, bigints)}\n`
}

function keyText(key: unknown): string {
  const shown = key instanceof Uint8Array ? plainBytes(key) : key
  if (typeof shown === 'string' || typeof shown === 'bigint') return String(shown)
  return JSON.stringify(shown)
}

/** Bytes as text where they are text, else as base64. */
function plainBytes(bytes: Uint8Array): unknown {
  const text = utf8Text(bytes)
  return Buffer.from(text).equals(bytes) ? text : { base64: Buffer.from(bytes).toString('base64') }
}
