import { utf8, utf8Text } from '../../common/bytes.ts'
import type { Header } from '../../common/headers.ts'

/** Header of a row's record with the version that the single writer gave it. */
const VERSION = '__millrace.version'
const COMMAND = '__millrace.command.'
const ID = `${COMMAND}id`
const EXPECTED = `${COMMAND}expected-version`

/** A command to the single writer of a store; the record's key and value are those of the row. */
export interface Command {
  /** The same in every copy of the command. */
  readonly id: string
  /** Version that the row must have; 0: there must be none. Undefined: any. */
  readonly expectedVersion: number | undefined
}

/** The writer's decision on a command. */
export interface Answer {
  readonly isAccepted: boolean
  /** Accepted: of what was written. Refused: of the row as it is; 0: there is none. */
  readonly version: number
}

export function commandsTopic(topic: string): string {
  return `${topic}-commands`
}

export function answersTopic(topic: string): string {
  return `${topic}-answers`
}

export function commandHeaders({ id, expectedVersion }: Command): readonly Header[] {
  const headers = [{ key: ID, value: utf8(id) }]
  if (expectedVersion !== undefined) headers.push({ key: EXPECTED, value: utf8(String(expectedVersion)) })
  return headers
}

/** Undefined where the record is no command. */
export function readCommand(headers: Iterable<Header>): Command | undefined {
  let id = ''
  let expectedVersion: number | undefined
  for (const { key, value } of headers) {
    const text = value ? utf8Text(value) : ''
    if (key === ID) id = text
    if (key === EXPECTED) expectedVersion = text === '' ? NaN : Number(text)
  }
  if (id === '' || (expectedVersion !== undefined && !isVersion(expectedVersion))) return undefined
  return { id, expectedVersion }
}

/** Headers of a row's record: those of its command that are the user's, and the version. */
export function rowHeaders(headers: Iterable<Header>, version: number): Header[] {
  const users = [...headers].filter(({ key }) => key !== VERSION && !key.startsWith(COMMAND))
  return [...users, { key: VERSION, value: utf8(String(version)) }]
}

/** 0 for a record that no single writer wrote. */
export function versionOf(headers: Iterable<Header>): number {
  let version = 0
  for (const { key, value } of headers) if (key === VERSION && value) version = Number(utf8Text(value))
  return isVersion(version) ? version : 0
}

export function isVersion(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

export function encodeAnswer({ isAccepted, version }: Answer): string {
  return JSON.stringify({ v: 1, isAccepted, version })
}

/** Undefined where the text is no answer. */
export function decodeAnswer(text: string): Answer | undefined {
  let read: Partial<Answer & { readonly v: number }>
  try {
    read = JSON.parse(text) as typeof read
  } catch {
    return undefined
  }
  const { v, isAccepted, version } = read
  if (v !== 1 || typeof isAccepted !== 'boolean' || !isVersion(Number(version))) return undefined
  return { isAccepted, version: Number(version) }
}
