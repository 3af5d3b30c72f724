import { Buffer } from 'node:buffer'
import { asBuffer, utf8Piece } from '../common/bytes.ts'
import { isPromise, silence } from '../common/promises.ts'
import { withFastPaths } from './fast-paths.ts'
import { transientText } from './transient-bytes.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { SerdeError, wrongType } from './serde-error.ts'
import type { StandardSchema } from './standard-schema.ts'
import { describeIssues } from './standard-schema.ts'
import { stringSerde } from './string-serde.ts'

/**
 * JSON in UTF-8. With a schema (any Standard Schema validator that answers synchronously) values are
 * validated when read, and are what the validator returns: `SERDE_INVALID` lists its issues. Values are not
 * validated when written: they are the program's own.
 */
export function jsonSerde<T>(schema?: StandardSchema<T>): Serde<T> {
  const deserializeFrom = (buffer: Buffer, start: number, end: number, context: SerdeContext): T => {
    const value = parse(buffer, start, end, context)
    return schema ? validated(schema, value, context) : (value as T)
  }
  const serde: Serde<T> = {
    name: 'json',
    serialize: (value, context) => Buffer.from(stringify(value, context), 'utf8'),
    deserialize: (bytes, context) => deserializeFrom(asBuffer(bytes), 0, bytes.length, context),
  }
  return withFastPaths<T>(serde, {
    serializeTransient: (value, context) => transientText(stringify(value, context)),
    deserializeFrom,
    // A validator may turn what it reads into something else; only JSON's own primitives are sure to come
    // back the same.
    ...(!schema && { roundTrips: isJsonPrimitive }),
  })
}

function stringify(value: unknown, context: SerdeContext): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value) as string | undefined
  } catch (error) {
    throw new SerdeError(
      'SERDE_TYPE',
      `a value for "${context.topic}" cannot be written as JSON: ${(error as Error).message}`,
      { cause: error },
    )
  }
  if (text === undefined) throw wrongType('json', 'what JSON can express', value, context)
  if (text === '{}') refusePromise(value, context)
  return text
}

/**
 * Throws for a promise, which JSON takes for an object without fields: the value would be lost in silence.
 */
function refusePromise(value: unknown, context: SerdeContext): void {
  if (!isPromise(value)) return
  silence(value)
  throw wrongType('json', 'what JSON can express, and no promises (await them before)', value, context)
}

function parse(buffer: Buffer, start: number, end: number, context: SerdeContext): unknown {
  try {
    return JSON.parse(utf8Piece(buffer, start, end))
  } catch (error) {
    throw new SerdeError(
      'SERDE_DATA',
      `${end - start} bytes of "${context.topic}" are not JSON: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

function validated<T>(schema: StandardSchema<T>, value: unknown, context: SerdeContext): T {
  const result = schema['~standard'].validate(value)
  if (isPromise(result)) {
    silence(result)
    throw new SerdeError(
      'SERDE_SCHEMA',
      `the schema of "${context.topic}" (${schema['~standard'].vendor}) validates asynchronously; serdes are synchronous, so remove its asynchronous checks`,
    )
  }
  if (result.issues === undefined) return result.value
  throw new SerdeError(
    'SERDE_INVALID',
    `JSON in "${context.topic}" is refused by its schema: ${describeIssues(result.issues)}`,
    { cause: result.issues },
  )
}

function isJsonPrimitive(value: unknown): boolean {
  if (typeof value === 'string') return stringSerde.roundTrips!(value)
  return typeof value === 'boolean' || (Number.isFinite(value) && !Object.is(value, -0))
}
