import { equalBytes, utf8, utf8Text } from '../common/bytes.ts'
import type { Header } from '../common/headers.ts'
import type { RecordContext } from '../common/record-context.ts'
import { isTimestamp } from '../common/timestamps.ts'
import { errorHeaders } from './error-headers.ts'

/**
 * Why a record is a dead letter: its tries are used up; an error says that trying is of no use; its bytes
 * cannot be read; its calls have ended the process again and again; one before it of its key was given up;
 * somebody has said so, about the record or about all that fails. And what a handler of errors has dropped: a
 * node has failed on it, or what came of it could not be written.
 */
export type LetterReason =
  | 'gave-up'
  | 'non-retriable'
  | 'undeserialisable'
  | 'interrupted'
  | 'behind'
  | 'skipped'
  | 'ignored'
  | 'failed'
  | 'unwritable'

/** An error as it is kept: what it is called, and what it says. */
export interface ErrorSummary {
  readonly name: string
  readonly message: string
}

/** A record that an operator has given up, as its dead letter tells it. */
export interface Letter {
  /**
   * The record's idempotency key: `<topic>-<partition>-<offset>`, and for further calls of one record a
   * number behind it.
   */
  readonly id: string
  /** The application that gave the record up. */
  readonly applicationId: string
  /** Operator, or node, that gave it up; '' where the record has reached none. */
  readonly operator: string
  readonly reason: LetterReason
  /** How many calls were made. */
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly firstFailedMs: number
  readonly lastFailedMs: number
  readonly firstError: ErrorSummary
  readonly lastError: ErrorSummary
  /** Where the record came from. */
  readonly topic: string | undefined
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  /** Bytes of the source record, as they stand in its topic. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** What the operator got, which operators above it may have made of the source record. */
  readonly input: { readonly key: Uint8Array | null; readonly value: Uint8Array | null }
  /** The record's own. */
  readonly headers: readonly Header[]
}

/** The record of a letter, apart from its topic and partition. */
export interface LetterRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: readonly Header[]
}

const OWN = '__millrace.letter.'
const ERRORS = '__streams.errors.'
const RUN = `${OWN}run`

/** What is known of a record that is given up. */
export interface GivenUp extends Pick<
  Letter,
  | 'id'
  | 'applicationId'
  | 'operator'
  | 'reason'
  | 'attempts'
  | 'firstFailedMs'
  | 'lastFailedMs'
  | 'firstError'
> {
  /** Undefined: the source record. */
  readonly input?: Letter['input']
  readonly lastError: ErrorSummary & { readonly stack?: string | undefined }
  readonly context: Omit<RecordContext, 'readAt'>
}

/** The letter's record: bytes and headers of the source record as they were, and behind them its own. */
export function letterRecord(given: GivenUp & Pick<Letter, 'input'>): LetterRecord {
  const { source = given.input } = given.context
  // The topic deletes by time: what it keeps counts from now, and not from when the record was made.
  return {
    key: source.key,
    value: source.value,
    timestamp: given.lastFailedMs,
    headers: letterHeaders(given),
  }
}

/** Headers of the source record as they were, and behind them what happened to it. */
export function letterHeaders(given: GivenUp): Header[] {
  const { context, lastError } = given
  const { source = given.input ?? NOTHING, timestamp } = context
  const { input = source } = given
  const own: readonly (readonly [string, string])[] = [
    ['id', given.id],
    ['application', given.applicationId],
    ['operator', given.operator],
    ['reason', given.reason],
    ['attempts', String(given.attempts)],
    ['first-failed-at', String(given.firstFailedMs)],
    ['last-failed-at', String(given.lastFailedMs)],
    ['first-error', given.firstError.name],
    ['first-message', given.firstError.message],
    ['timestamp', String(timestamp)],
  ]
  const headers: Header[] = [
    ...headersBefore(context.headers, given),
    ...errorHeaders(lastError, context),
    ...own.map(([name, value]) => ({ key: OWN + name, value: utf8(value) })),
  ]
  if (!equalBytes(source.key, input.key)) headers.push({ key: `${OWN}input-key`, value: input.key })
  if (!equalBytes(source.value, input.value)) headers.push({ key: `${OWN}input-value`, value: input.value })
  return headers
}

const NOTHING = { key: null, value: null }

/** Undefined where the record is no letter of an operator. */
export function readLetter({ key, value, headers }: LetterRecord): Letter | undefined {
  const start = startOf(headers)
  const found = new Map(headers.slice(start).map(header => [header.key, header.value]))
  const text = (name: string) => {
    const bytes = found.get(name)
    return bytes ? utf8Text(bytes) : undefined
  }
  const id = text(`${OWN}id`)
  if (id === undefined || !found.has(`${ERRORS}exception`)) return undefined
  const number = (name: string) => Number(text(name) ?? Number.NaN)
  return {
    id,
    applicationId: text(`${OWN}application`) ?? '',
    operator: text(`${OWN}operator`) ?? '',
    reason: (text(`${OWN}reason`) ?? 'gave-up') as LetterReason,
    attempts: number(`${OWN}attempts`),
    firstFailedMs: number(`${OWN}first-failed-at`),
    lastFailedMs: number(`${OWN}last-failed-at`),
    firstError: { name: text(`${OWN}first-error`) ?? '', message: text(`${OWN}first-message`) ?? '' },
    lastError: { name: text(`${ERRORS}exception`) ?? '', message: text(`${ERRORS}message`) ?? '' },
    topic: text(`${ERRORS}topic`),
    partition: number(`${ERRORS}partition`),
    offset: number(`${ERRORS}offset`),
    timestamp: number(`${OWN}timestamp`),
    key,
    value,
    input: {
      key: found.has(`${OWN}input-key`) ? (found.get(`${OWN}input-key`) ?? null) : key,
      value: found.has(`${OWN}input-value`) ? (found.get(`${OWN}input-value`) ?? null) : value,
    },
    headers: headers.slice(0, start),
  }
}

/** The context of a letter's record, as it was when it was given up. */
export function contextOf({
  topic,
  partition,
  offset,
  timestamp,
  headers,
  key,
  value,
}: Letter): RecordContext {
  const source = topic === undefined ? undefined : { key, value }
  return { topic, partition, offset, timestamp, headers, source }
}

/** Which of the calls for its source record the letter's was, from 0. */
export function ordinalOf({ id, topic, partition, offset }: Letter): number {
  const place = `${topic}-${partition}-${offset}-`
  return id.startsWith(place) ? Number(id.slice(place.length)) : 0
}

/** The time of the record that a letter is about, without reading the rest; 0 where it is no letter. */
export function letterTimestamp(headers: readonly Header[]): number {
  const found = headers.findLast(({ key }) => key === `${OWN}timestamp`)?.value
  const timestamp = found ? Number(utf8Text(found)) : 0
  return isTimestamp(timestamp) ? timestamp : 0
}

/** Headers of a letter that is to be processed again, with others of the same run. */
export function inRun(headers: readonly Header[], run: string): Header[] {
  return [...headers, { key: RUN, value: utf8(run) }]
}

/** In which run a letter is processed again; '' where nothing tells. */
export function runOf(headers: readonly Header[]): string {
  const run = headers.findLast(({ key }) => key === RUN)?.value
  return run ? utf8Text(run) : ''
}

/** Headers of a letter whose record gets another time. */
export function atPresent(headers: readonly Header[], nowMs: number): Header[] {
  const name = `${OWN}timestamp`
  const at = headers.findLastIndex(({ key }) => key === name)
  return headers.map((header, index) => (index === at ? { key: name, value: utf8(String(nowMs)) } : header))
}

/**
 * The record's own headers. People put letters back into the topic that they came from, as they are: what a
 * letter of the same operator says does not heap up.
 */
function headersBefore(
  headers: readonly Header[],
  { applicationId, operator }: Pick<Letter, 'applicationId' | 'operator'>,
): readonly Header[] {
  const start = startOf(headers)
  const isOwn = (name: string, text: string) =>
    headers.some(
      ({ key, value }, at) => at >= start && key === OWN + name && value && utf8Text(value) === text,
    )
  return isOwn('application', applicationId) && isOwn('operator', operator)
    ? headersBefore(headers.slice(0, start), { applicationId, operator })
    : headers
}

/**
 * Where the headers begin that a letter has added to those of its record. That may be a letter itself, of
 * another application, say, whose dead letters this one reads.
 */
function startOf(headers: readonly Header[]): number {
  const names = headers.map(({ key }) => key)
  const at = names.lastIndexOf(`${OWN}id`)
  return at < 0 ? headers.length : Math.max(0, names.lastIndexOf(`${ERRORS}exception`, at))
}
