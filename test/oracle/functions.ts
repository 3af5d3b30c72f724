import type { TopicNameExtractor, StreamPartitioner } from '../../lib/processor/stream-partitioner.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { printed } from './serdes.ts'

/** The function library of the cases. Here, as in the cases, the key comes first. */
export type ValueFunction = (key: unknown, value: unknown) => unknown

export interface Spec {
  readonly name: string
  readonly argument: string
}

/** `name(argument)`, where the argument is all text between the first and the last parenthesis. */
export function parseSpec(spec: string): Spec {
  const open = spec.indexOf('(')
  return open < 0
    ? { name: spec, argument: '' }
    : { name: spec.slice(0, open), argument: spec.slice(open + 1, spec.lastIndexOf(')')) }
}

export function number(value: unknown): number {
  return value === null ? 0 : Number(value)
}

export function parseLong(value: unknown): number | null {
  return typeof value === 'string' && /^-?[0-9]{1,15}$/.test(value) ? Number(value) : null
}

export function valueFunction(spec: string): ValueFunction {
  const { name, argument } = parseSpec(spec)
  if (name.startsWith('key.')) {
    const inner = transform(name.slice(4), argument)
    return key => inner(key)
  }
  if (name.startsWith('value.')) {
    const inner = transform(name.slice(6), argument)
    return (_key, value) => inner(value)
  }
  const found = PLAIN[name]
  if (found) return found(argument)
  throw new Error(`unknown function ${spec}`)
}

const PLAIN: { readonly [name: string]: (argument: string) => ValueFunction } = {
  key: () => key => key,
  value: () => (_key, value) => value,
  null: () => () => null,
  const: argument => () => argument,
  constLong: argument => () => Number(argument),
  pair: () => (key, value) => `${printed(key)}:${printed(value)}`,
}

type Transform = (value: unknown) => unknown

function transform(name: string, argument: string): Transform {
  const found = OF_NULL_TOO[name]?.(argument) ?? orNull(OF_VALUES[name]?.(argument))
  if (found) return found
  throw new Error(`unknown function value.${name}`)
}

function orNull(inner: Transform | undefined): Transform | undefined {
  return inner && (value => (value === null ? null : inner(value)))
}

const OF_NULL_TOO: { readonly [name: string]: (argument: string) => Transform } = {
  long: () => parseLong,
  nullIf: argument => value => (printed(value) === argument ? null : value),
  orElse: argument => value => (value === null ? argument : value),
  failIf: argument => value => failIf(value, argument),
}

const OF_VALUES: { readonly [name: string]: (argument: string) => Transform } = {
  text: () => printed,
  upper: () => value => String(value).toUpperCase(),
  length: () => value => printed(value).length,
  concat: argument => value => printed(value) + argument,
  prefix: argument => value => String(value).slice(0, Number(argument)),
  field: argument => value => String(value).split(':')[Number(argument)] || null,
  double: argument => value => number(value) / Number(argument),
  plus: argument => value => number(value) + Number(argument),
  times: argument => value => number(value) * Number(argument),
  mod: argument => value => floorMod(number(value), Number(argument)),
  inner: () => value => (value as Windowed<unknown>).key,
  start: () => value => (value as Windowed<unknown>).window.startMs,
  end: () => value => (value as Windowed<unknown>).window.endMs,
}

function floorMod(value: number, by: number): number {
  return ((value % by) + by) % by
}

function failIf(value: unknown, argument: string): unknown {
  if (printed(value) === argument) throw new Error(`failIf ${argument}`)
  return value
}

export function predicate(spec: string): (key: unknown, value: unknown) => boolean {
  const { name, argument } = parseSpec(spec)
  if (name === 'true' || name === 'false') return () => name === 'true'
  if (name.startsWith('not.')) {
    const inner = predicate(spec.slice(4))
    return (key, value) => !inner(key, value)
  }
  const test = PREDICATES[name.slice(name.indexOf('.') + 1)]
  if (!test) throw new Error(`unknown predicate ${spec}`)
  return name.startsWith('key.') ? key => test(key, argument) : (_key, value) => test(value, argument)
}

const PREDICATES: { readonly [name: string]: (value: unknown, argument: string) => boolean } = {
  isNull: value => value === null,
  lengthAbove: (value, argument) => value !== null && printed(value).length > Number(argument),
  contains: (value, argument) => value !== null && printed(value).includes(argument),
  startsWith: (value, argument) => value !== null && printed(value).startsWith(argument),
  equals: (value, argument) => value !== null && printed(value) === argument,
  above: (value, argument) => value !== null && number(value) > Number(argument),
  even: value => value !== null && number(value) % 2 === 0,
  failIf: (value, argument) => failIf(value, argument) !== undefined,
}

export function listFunction(spec: string): (key: unknown, value: unknown) => unknown[] {
  const { name, argument } = parseSpec(spec)
  switch (name) {
    case 'words':
      return (_key, value) => split(value, ' ')
    case 'parts':
      return (_key, value) => split(value, argument)
    case 'repeat':
      return (_key, value) => Array.from({ length: Number(argument) }, () => value)
    case 'none':
      return () => []
    default:
      throw new Error(`unknown list function ${spec}`)
  }
}

function split(value: unknown, separator: string): string[] {
  return value === null ? [] : String(value).split(separator).filter(Boolean)
}

export function initializer(spec: string): () => unknown {
  const { name, argument } = parseSpec(spec)
  const value = { empty: '', zero: 0, null: null, const: argument }[name]
  if (value === undefined) throw new Error(`unknown initializer ${spec}`)
  return () => value
}

type Aggregate = (key: unknown, value: unknown, aggregate: unknown, argument: string) => unknown

const AGGREGATORS: { readonly [name: string]: Aggregate } = {
  'agg.concat': (_k, v, a) => printed(a) + printed(v),
  'agg.add': (_k, v, a) => `${printed(a)}+${printed(v)}`,
  'agg.remove': (_k, v, a) => `${printed(a)}-${printed(v)}`,
  'agg.keyed': (k, v, a) => `${printed(a)}(${printed(k)},${printed(v)})`,
  'agg.count': (_k, _v, a) => number(a) + 1,
  'agg.uncount': (_k, _v, a) => number(a) - 1,
  'agg.sum': (_k, v, a) => number(a) + number(v),
  'agg.subtract': (_k, v, a) => number(a) - number(v),
  'agg.max': (_k, v, a) => (a === null ? v : v === null ? a : Math.max(number(a), number(v))),
  'agg.last': (_k, v) => v,
  'agg.nullIf': (_k, v, a, argument) => (printed(v) === argument ? null : printed(a) + printed(v)),
  'agg.failIf': (_k, v, a, argument) => printed(a) + printed(failIf(v, argument)),
}

export function aggregator(spec: string): (key: unknown, value: unknown, aggregate: unknown) => unknown {
  const { name, argument } = parseSpec(spec)
  const found = AGGREGATORS[name]
  if (!found) throw new Error(`unknown aggregator ${spec}`)
  return (key, value, aggregate) => found(key, value, aggregate, argument)
}

type Combine = (left: unknown, right: unknown, argument: string) => unknown

const REDUCERS: { readonly [name: string]: Combine } = {
  'reduce.concat': (a, b) => printed(a) + printed(b),
  'reduce.add': (a, b) => `${printed(a)}+${printed(b)}`,
  'reduce.remove': (a, b) => `${printed(a)}-${printed(b)}`,
  'reduce.sum': (a, b) => number(a) + number(b),
  'reduce.subtract': (a, b) => number(a) - number(b),
  'reduce.max': (a, b) => Math.max(number(a), number(b)),
  'reduce.min': (a, b) => Math.min(number(a), number(b)),
  'reduce.first': a => a,
  'reduce.last': (_a, b) => b,
  'reduce.nullIf': (a, b, argument) => (printed(b) === argument ? null : printed(a) + printed(b)),
}

export function reducer(spec: string): (left: unknown, right: unknown) => unknown {
  const { name, argument } = parseSpec(spec)
  const found = REDUCERS[name]
  if (!found) throw new Error(`unknown reducer ${spec}`)
  return (left, right) => found(left, right, argument)
}

const MERGERS: { readonly [name: string]: (key: unknown, left: unknown, right: unknown) => unknown } = {
  'merge.concat': (_k, a, b) => printed(a) + printed(b),
  'merge.bar': (_k, a, b) => `${printed(a)}|${printed(b)}`,
  'merge.keyed': (k, a, b) => `${printed(k)}[${printed(a)}|${printed(b)}]`,
  'merge.sum': (_k, a, b) => number(a) + number(b),
  'merge.max': (_k, a, b) => (a === null ? b : b === null ? a : Math.max(number(a), number(b))),
}

export function merger(spec: string): (key: unknown, left: unknown, right: unknown) => unknown {
  const found = MERGERS[spec]
  if (!found) throw new Error(`unknown merger ${spec}`)
  return found
}

type Join = (key: unknown, left: unknown, right: unknown, argument: string) => unknown

const JOINERS: { readonly [name: string]: Join } = {
  'join.pair': (_k, l, r) => `${printed(l)}+${printed(r)}`,
  'join.keyed': (k, l, r) => `${printed(k)}:${printed(l)}+${printed(r)}`,
  'join.sum': (_k, l, r) => number(l) + number(r),
  'join.left': (_k, l) => l,
  'join.right': (_k, _l, r) => r,
  'join.nullIf': (_k, l, r, argument) => (printed(r) === argument ? null : `${printed(l)}+${printed(r)}`),
  'join.failIf': (_k, l, r, argument) => `${printed(l)}+${printed(failIf(r, argument))}`,
}

export function joiner(spec: string): (key: unknown, left: unknown, right: unknown) => unknown {
  const { name, argument } = parseSpec(spec)
  const found = JOINERS[name]
  if (!found) throw new Error(`unknown joiner ${spec}`)
  return (key, left, right) => found(key, left, right, argument)
}

export function topicFunction(spec: string): TopicNameExtractor {
  const { name, argument } = parseSpec(spec)
  if (name === 'sourceTopic') return (_value, _key, context) => `${context.topic}${argument}`
  if (name === 'header') {
    return (_value, _key, context) => {
      const found = context.headers.findLast(header => header.key === argument)
      return found ? Buffer.from(found.value ?? []).toString() : 'no-header'
    }
  }
  const inner = valueFunction(spec)
  return (value, key) => String(inner(key, value))
}

export function partitioner(spec: string): StreamPartitioner {
  const { name, argument } = parseSpec(spec)
  switch (name) {
    case 'partition.default':
      return () => undefined
    case 'partition.zero':
      return () => 0
    case 'partition.dropIf':
      return value => (printed(value) === argument ? [] : 0)
    default:
      throw new Error(`unknown partitioner ${spec}`)
  }
}
