import type { Buffer } from 'node:buffer'
import type { Type } from 'avsc'

/** An Avro schema as JSON, `as const` or not; several in an array are a union. */
export type AvroSchema = Type | AvroDefinition | readonly AvroDefinition[]

/** One schema that is no union: a primitive type, the name of one defined before, or a definition. */
export type AvroDefinition = string | AvroObject | (AvroObject & AvroAttributes)

/** Logical types and attributes of other programs; they do not change what is read and written. */
interface AvroAttributes {
  readonly [attribute: string]: unknown
}

type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

interface AvroName {
  readonly name: string
  readonly namespace?: string
  readonly doc?: string
  readonly aliases?: readonly string[]
}

interface AvroField {
  readonly name: string
  readonly doc?: string
  readonly type: AvroSchema
  readonly default?: unknown
  readonly order?: 'ascending' | 'descending' | 'ignore'
}

type AvroObject =
  | { readonly type: AvroPrimitive }
  | (AvroName & { readonly type: 'record' | 'error'; readonly fields: readonly AvroField[] })
  | (AvroName & { readonly type: 'enum'; readonly symbols: readonly string[]; readonly default?: string })
  | (AvroName & { readonly type: 'fixed'; readonly size: number })
  | { readonly type: 'array'; readonly items: AvroSchema }
  | { readonly type: 'map'; readonly values: AvroSchema }

/**
 * The type of a schema's values, for a schema that the compiler knows in full: written where it is used, or
 * `as const`. A union is that of its members' types, `unknown` where two of them look alike in JavaScript
 * (two records, a long and a double), since values are wrapped then. What the compiler does not know is
 * `unknown` as well.
 *
 * ```ts
 * const order = { type: 'record', name: 'Order', fields: [{ name: 'cents', type: 'long' }] } as const
 * type Order = AvroValue<typeof order> // { cents: number }
 * ```
 */
export type AvroValue<S> = [S] extends [never] ? unknown : AvroSchema extends S ? unknown : Value<S, Named<S>>

/** The type of a schema's values. `N`: the definitions that the schema names. */
type Value<S, N> = S extends readonly unknown[]
  ? UnionValue<S, N>
  : S extends string
    ? StringValue<S, N>
    : S extends { readonly type: 'record' | 'error'; readonly fields: infer F extends readonly AvroField[] }
      ? { -readonly [K in F[number] as K['name']]: Value<K['type'], N> }
      : S extends { readonly type: 'enum'; readonly symbols: readonly (infer E)[] }
        ? E
        : S extends { readonly type: 'fixed' }
          ? Buffer
          : S extends { readonly type: 'array'; readonly items: infer I }
            ? Value<I, N>[]
            : S extends { readonly type: 'map'; readonly values: infer V }
              ? { [key: string]: Value<V, N> }
              : S extends { readonly type: infer T extends string }
                ? StringValue<T, N>
                : unknown

type StringValue<S extends string, N> = string extends S
  ? unknown
  : S extends keyof PrimitiveValues
    ? PrimitiveValues[S]
    : [Definition<S, N>] extends [never]
      ? unknown
      : Value<Definition<S, N>, N>

interface PrimitiveValues {
  null: null
  boolean: boolean
  int: number
  long: number
  float: number
  double: number
  bytes: Buffer
  string: string
}

type UnionValue<S extends readonly unknown[], N> = number extends S['length']
  ? unknown
  : IsAmbiguous<S, N> extends true
    ? unknown
    : Value<S[number], N>

/** Whether a union is ambiguous, as avsc decides it: by what JavaScript can tell apart. */
type IsAmbiguous<S extends readonly unknown[], N> = S extends readonly [infer First, ...infer Rest]
  ? [Bucket<First, N> & Bucket<Rest[number], N>] extends [never]
    ? IsAmbiguous<Rest, N>
    : true
  : false

type Bucket<S, N> =
  Value<S, N> extends infer V
    ? V extends null
      ? 'null'
      : V extends Buffer
        ? 'buffer'
        : V extends readonly unknown[]
          ? 'array'
          : V extends string
            ? 'string'
            : V extends number
              ? 'number'
              : V extends boolean
                ? 'boolean'
                : 'object'
    : never

type Definition<S extends string, N> = S extends `${string}.${infer Rest}`
  ? Definition<Rest, N>
  : Extract<N, { readonly name: S | `${string}.${S}` }>

/** Every definition in the schema that has a name, however deep. */
type Named<S> = S extends readonly unknown[]
  ? Named<S[number]>
  : S extends { readonly type: 'record' | 'error'; readonly fields: infer F extends readonly AvroField[] }
    ? S | Named<F[number]['type']>
    : S extends { readonly type: 'enum' | 'fixed' }
      ? S
      : S extends { readonly type: 'array'; readonly items: infer I }
        ? Named<I>
        : S extends { readonly type: 'map'; readonly values: infer V }
          ? Named<V>
          : never
