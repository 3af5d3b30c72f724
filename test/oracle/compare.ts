import type { Case, Expectation, ExpectedRecord } from './case.ts'

/**
 * The first place where two values of JSON differ, as a line; undefined if they are equal. An absent field is
 * no field.
 */
export function firstDifference(expected: unknown, found: unknown, at = ''): string | undefined {
  if (Object.is(expected, found) || expected === found) return undefined
  if (Array.isArray(expected) && Array.isArray(found)) return inArrays(expected, found, at)
  if (isObject(expected) && isObject(found)) return inObjects(expected, found, at)
  return `${at || 'the result'}: expected ${shown(expected)}, found ${shown(found)}`
}

/**
 * Java's classes and messages are no part of the comparison, nor are sections that the case leaves out. What
 * is otherwise here on purpose takes the place of Kafka Streams'.
 */
export function comparable(test: Case): Expectation {
  const { error, ...sections } = { ...test.expect, ...test.here }
  return error
    ? {
        ...sections,
        error: { kind: error.kind, ...(error.atInput !== undefined && { atInput: error.atInput }) },
      }
    : sections
}

/** What was found, without the sections that depend on the kind of store in Kafka Streams. */
export function withoutOmitted(test: Case, found: Expectation): Expectation {
  const sections = Object.entries(found).filter(([section]) => !test.omit?.includes(section))
  const kept = Object.fromEntries(sections) as Expectation
  const { internalTopics } = kept
  if (!test.recordInternal || !internalTopics) return kept
  const timed = Object.entries(internalTopics).map(([topic, records]) => [
    topic,
    withoutClock(test, topic, records),
  ])
  return { ...kept, internalTopics: Object.fromEntries(timed) as typeof internalTopics }
}

/** Where Kafka Streams leaves the timestamp of an internal record to the producer's clock, any will do. */
function withoutClock(test: Case, topic: string, records: number | readonly ExpectedRecord[]): unknown {
  const expected = test.expect.internalTopics?.[topic]
  if (!Array.isArray(records) || !Array.isArray(expected)) return records
  return records.map((record: ExpectedRecord, i) =>
    (expected as readonly ExpectedRecord[])[i]?.timestamp === null ? { ...record, timestamp: null } : record,
  )
}

function inArrays(expected: readonly unknown[], found: readonly unknown[], at: string): string | undefined {
  for (let i = 0; i < Math.max(expected.length, found.length); i += 1) {
    const difference = firstDifference(expected[i], found[i], `${at}[${i}]`)
    if (difference !== undefined) return difference
  }
  return undefined
}

function inObjects(expected: object, found: object, at: string): string | undefined {
  const [left, right] = [expected as { [field: string]: unknown }, found as { [field: string]: unknown }]
  for (const field of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const difference = firstDifference(left[field], right[field], at === '' ? field : `${at}.${field}`)
    if (difference !== undefined) return difference
  }
  return undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
