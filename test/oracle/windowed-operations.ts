import type {
  CogroupedKStream,
  KGroupedStream,
  SessionWindowedCogroupedKStream,
  SessionWindowedKStream,
  TimeWindowedCogroupedKStream,
  TimeWindowedKStream,
} from '../../lib/dsl/api/kstream.ts'
import type { SessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import type { SlidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import type { TimeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { UnlimitedWindows } from '../../lib/dsl/windows/unlimited-windows.ts'
import { unlimitedWindows } from '../../lib/dsl/windows/unlimited-windows.ts'
import type { Operation } from './case.ts'
import { text, Unsupported } from './case.ts'
import { aggregator, initializer, merger, reducer } from './functions.ts'

export type WindowedBound =
  | { readonly kind: 'windowed-stream'; readonly windowed: TimeWindowedKStream<unknown, unknown> }
  | { readonly kind: 'session-stream'; readonly windowed: SessionWindowedKStream<unknown, unknown> }
  | { readonly kind: 'cogrouped-stream'; readonly cogrouped: CogroupedKStream<unknown, unknown> }
  | { readonly kind: 'windowed-cogroup'; readonly cogrouped: TimeWindowedCogroupedKStream<unknown, unknown> }
  | {
      readonly kind: 'session-cogroup'
      readonly cogrouped: SessionWindowedCogroupedKStream<unknown, unknown>
    }

type Group = KGroupedStream<unknown, unknown>

const EMIT = { onWindowUpdate: 'on-window-update', onWindowClose: 'on-window-close' } as const

/** `windowedBy` of a grouped stream. */
export function windowedStream(operation: Operation, group: Group): WindowedBound {
  const windows = windowsOf(operation)
  const emit = EMIT[text(operation, 'emit') as keyof typeof EMIT]
  if (windows.type === 'session') {
    const sessions = group.windowedBy(windows)
    return { kind: 'session-stream', windowed: emit ? sessions.emitStrategy(emit) : sessions }
  }
  // The kinds have one method in common, whose signatures differ.
  const windowed = group.windowedBy(windows as TimeWindows)
  return { kind: 'windowed-stream', windowed: emit ? windowed.emitStrategy(emit) : windowed }
}

export function cogroup(operation: Operation, group: Group): WindowedBound {
  return { kind: 'cogrouped-stream', cogrouped: group.cogroup(aggregatorOf(operation)) }
}

/** What comes out is a table, or for `cogroup` and `windowedBy` another step. `other`: the operand `with`. */
export function applyWindowedOperation(
  operation: Operation,
  operand: WindowedBound,
  options: object,
  other: () => Group,
): WindowedBound | { readonly table: object } {
  switch (operand.kind) {
    case 'windowed-stream':
      return { table: aggregateWindows(operation, operand.windowed, options) }
    case 'session-stream':
      return { table: aggregateSessions(operation, operand.windowed, options) }
    case 'windowed-cogroup':
      return { table: operand.cogrouped.aggregate(initializerOf(operation), options) }
    case 'session-cogroup':
      return { table: operand.cogrouped.aggregate(initializerOf(operation), mergerOf(operation), options) }
    case 'cogrouped-stream':
      return cogrouped(operation, operand.cogrouped, options, other)
  }
}

function cogrouped(
  operation: Operation,
  stream: CogroupedKStream<unknown, unknown>,
  options: object,
  other: () => Group,
): WindowedBound | { readonly table: object } {
  switch (operation.op) {
    case 'cogroup':
      return { kind: 'cogrouped-stream', cogrouped: stream.cogroup(other(), aggregatorOf(operation)) }
    case 'windowedBy': {
      const windows = windowsOf(operation)
      return windows.type === 'session'
        ? { kind: 'session-cogroup', cogrouped: stream.windowedBy(windows) }
        : { kind: 'windowed-cogroup', cogrouped: stream.windowedBy(windows) }
    }
    case 'aggregate':
      return { table: stream.aggregate(initializerOf(operation), options) }
    default:
      throw new Unsupported(`${operation.op} of a cogrouped stream`)
  }
}

function aggregateWindows(
  operation: Operation,
  stream: TimeWindowedKStream<unknown, unknown>,
  options: object,
): object {
  switch (operation.op) {
    case 'count':
      return stream.count(options)
    case 'reduce':
      return stream.reduce(reducerOf(operation), options)
    case 'aggregate':
      return stream.aggregate(initializerOf(operation), aggregatorOf(operation), options)
    default:
      throw new Unsupported(`${operation.op} of a windowed stream`)
  }
}

function aggregateSessions(
  operation: Operation,
  stream: SessionWindowedKStream<unknown, unknown>,
  options: object,
): object {
  switch (operation.op) {
    case 'count':
      return stream.count(options)
    case 'reduce':
      return stream.reduce(reducerOf(operation), options)
    case 'aggregate':
      return stream.aggregate(initializerOf(operation), aggregatorOf(operation), mergerOf(operation), options)
    default:
      throw new Unsupported(`${operation.op} of a stream in sessions`)
  }
}

interface WindowOfCase {
  readonly type: string
  readonly sizeMs?: number
  readonly advanceMs?: number
  readonly diffMs?: number
  readonly gapMs?: number
  readonly startMs?: number
  readonly graceMs?: number
}

function windowsOf(operation: Operation): TimeWindows | UnlimitedWindows | SlidingWindows | SessionWindows {
  const window = operation['window'] as WindowOfCase
  const { type, sizeMs = 0, advanceMs = sizeMs, diffMs = 0, gapMs = 0, startMs = 0, graceMs = 0 } = window
  switch (type) {
    case 'time':
      return timeWindows({ sizeMs, advanceMs, graceMs })
    case 'sliding':
      return slidingWindows({ timeDifferenceMs: diffMs, graceMs })
    case 'session':
      return sessionWindows({ inactivityGapMs: gapMs, graceMs })
    case 'unlimited':
      return unlimitedWindows({ startMs })
    default:
      throw new Unsupported(`${type} windows`)
  }
}

function initializerOf(operation: Operation): () => unknown {
  return initializer(text(operation, 'init') ?? '')
}

function aggregatorOf(operation: Operation) {
  const found = aggregator(text(operation, 'fn') ?? '')
  return (aggregate: unknown, value: unknown, key: unknown) => found(key, value, aggregate)
}

function reducerOf(operation: Operation) {
  return reducer(text(operation, 'fn') ?? '') as (left: unknown, right: unknown) => {} | null
}

function mergerOf(operation: Operation) {
  const found = merger(text(operation, 'merger') ?? '')
  return (left: unknown, right: unknown, key: unknown) => found(key, left, right)
}
