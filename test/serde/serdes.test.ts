import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AvroValue } from '../../lib/serde/avro-schema.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { SerdeError } from '../../lib/serde/serde-error.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StandardSchema } from '../../lib/serde/standard-schema.ts'

const context = { topic: 'orders' }
const bytesOf = <T>(serde: Serde<T>, value: T) => [...serde.serialize(value, context)]
const thereAndBack = <T>(serde: Serde<T>, value: T) =>
  serde.deserialize(serde.serialize(value, context), context)

function errorOf(action: () => unknown): SerdeError {
  try {
    action()
  } catch (error) {
    if (error instanceof SerdeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('serdes: bytes are those of Kafka Streams', () => {
  test('string is UTF-8', () => {
    expect(bytesOf(serdes.string(), 'aé€😀')).toEqual([
      0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80,
    ])
  })

  test('int32, int64, bigint64 and float64 are big-endian', () => {
    expect(bytesOf(serdes.int32(), -2)).toEqual([0xff, 0xff, 0xff, 0xfe])
    expect(bytesOf(serdes.int64(), 1)).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
    expect(bytesOf(serdes.int64(), -1)).toEqual([255, 255, 255, 255, 255, 255, 255, 255])
    expect(bytesOf(serdes.int64(), 2 ** 40 + 5)).toEqual([0, 0, 1, 0, 0, 0, 0, 5])
    expect(bytesOf(serdes.bigint64(), -(2n ** 63n))).toEqual([128, 0, 0, 0, 0, 0, 0, 0])
    expect(bytesOf(serdes.float64(), 1.5)).toEqual([0x3f, 0xf8, 0, 0, 0, 0, 0, 0])
  })
})

describe('serdes: what is written is read again', () => {
  test('random values of each type', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), v => thereAndBack(serdes.string(), v) === v))
    fc.assert(fc.property(fc.integer(), v => thereAndBack(serdes.int32(), v) === v))
    fc.assert(fc.property(fc.maxSafeInteger(), v => thereAndBack(serdes.int64(), v) === v))
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        v => thereAndBack(serdes.bigint64(), v) === v,
      ),
    )
    fc.assert(fc.property(fc.double(), v => Object.is(thereAndBack(serdes.float64(), v), v)))
    fc.assert(
      fc.property(fc.uint8Array(), v => {
        expect([...thereAndBack(serdes.bytes(), v)]).toEqual([...v])
      }),
    )
  })

  test('int64 agrees with bigint64 on every safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), v => {
        expect(bytesOf(serdes.int64(), v)).toEqual(bytesOf(serdes.bigint64(), BigInt(v)))
      }),
    )
  })

  test('whatever a serde says round-trips does so', () => {
    const values = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.maxSafeInteger(), fc.boolean())
    const everyKind = [serdes.string(), serdes.int32(), serdes.int64(), serdes.float64(), serdes.json()]
    fc.assert(
      fc.property(values, fc.constantFrom(...everyKind), (value, serde) => {
        const any = serde as Serde<unknown>
        if (any.roundTrips?.(value)) expect(Object.is(thereAndBack(any, value), value)).toBe(true)
      }),
      { numRuns: 2000 },
    )
    expect(serdes.string().roundTrips?.('\ud800')).toBe(false)
    expect(serdes.int32().roundTrips?.(1.5)).toBe(false)
    expect(serdes.json<number>().roundTrips?.(NaN)).toBe(false)
  })
})

describe('serdes: what cannot be represented is refused', () => {
  test('int64: integers beyond 2^53 in either direction, with the way out', () => {
    const error = errorOf(() => serdes.int64().serialize(2 ** 53, context))
    expect(error).toMatchObject({ code: 'INT64_UNSAFE', name: 'SerdeError' })
    expect(error.message).toContain('serdes.bigint64()')
    const bytes = serdes.bigint64().serialize(2n ** 53n, context)
    expect(errorOf(() => serdes.int64().deserialize(bytes, context)).message).toContain('9007199254740992')
  })

  test('integers: -0 is written as 0', () => {
    for (const serde of [serdes.int32(), serdes.int64()]) {
      expect(bytesOf(serde, -0)).toEqual(bytesOf(serde, 0))
      // A store must not keep it as it is, or it would be another number before a restart than after it.
      expect(serde.roundTrips?.(-0)).toBe(false)
    }
  })

  test.each([
    ['string', serdes.string(), 1],
    ['int32', serdes.int32(), 2 ** 31],
    ['int64', serdes.int64(), 0.5],
    ['bigint64', serdes.bigint64(), 2n ** 63n],
    ['float64', serdes.float64(), '1'],
    ['json', serdes.json(), undefined],
    ['json', serdes.json(), 1n],
    ['bytes', serdes.bytes(), 'text'],
    ['void', serdes.void(), 1],
  ])('%s: a value of another type', (_name, serde, value) => {
    const error = errorOf(() => (serde as Serde<unknown>).serialize(value, context))
    expect(error.code).toBe('SERDE_TYPE')
    expect(error.message).toContain('orders')
  })

  test.each([
    ['int32', serdes.int32(), 8],
    ['int64', serdes.int64(), 4],
    ['bigint64', serdes.bigint64(), 0],
    ['float64', serdes.float64(), 9],
    ['void', serdes.void(), 0],
    ['json', serdes.json(), 3],
    ['avro', serdes.avro('string'), 3],
  ])('%s: bytes of another kind', (_name, serde, length) => {
    const bytes = new Uint8Array(length).fill(0x7b)
    const error = errorOf(() => (serde as Serde<unknown>).deserialize(bytes, context))
    expect(error.code).toBe('SERDE_DATA')
  })
})

describe('serdes: what is returned does not keep the bytes', () => {
  test.each([
    ['bytes', serdes.bytes(), Uint8Array.of(1, 2)],
    ['avro bytes', serdes.avro<Uint8Array>('bytes'), Buffer.from([1, 2])],
  ])('%s', (_name, serde, value) => {
    const bytes = serde.serialize(value as Buffer, context)
    const read = serde.deserialize(bytes, context)
    bytes.fill(0)
    expect([...read]).toEqual([1, 2])
  })

  test('bytes: what was serialised does not follow its source', () => {
    const value = Uint8Array.of(1)
    const bytes = serdes.bytes().serialize(value, context)
    value.fill(9)
    expect([...bytes]).toEqual([1])
  })
})

describe('serdes.json with a schema', () => {
  const schema = (validate: StandardSchema<{ n: number }>['~standard']['validate']) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) satisfies StandardSchema<{ n: number }>

  test('gives what the validator returns', () => {
    const serde = serdes.json(schema(value => ({ value: { n: (value as { n: number }).n + 1 } })))
    expect(thereAndBack(serde, { n: 1 })).toEqual({ n: 2 })
    expect(serde.roundTrips).toBeUndefined()
  })

  test('names the issues with their paths', () => {
    const issues = [{ message: 'too small', path: ['items', { key: 0 }] }, { message: 'odd' }]
    const error = errorOf(() => thereAndBack(serdes.json(schema(() => ({ issues }))), { n: 1 }))
    expect(error).toMatchObject({ code: 'SERDE_INVALID', cause: issues })
    expect(error.message).toContain('items.0: too small; odd')
  })

  test('an asynchronous validator is refused', () => {
    const serde = serdes.json(schema(async () => ({ value: { n: 1 } })))
    expect(errorOf(() => thereAndBack(serde, { n: 1 })).code).toBe('SERDE_SCHEMA')
  })
})

describe('serdes.avro', () => {
  const schema = {
    type: 'record' as const,
    name: 'Order',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'note', type: 'string' },
    ],
  }

  test('writes plain Avro binary: no header, no field names', () => {
    expect(bytesOf(serdes.avro(schema), { id: 1, note: 'a' })).toEqual([2, 2, 0x61])
    expect(thereAndBack(serdes.avro(schema), { id: -7, note: 'é' })).toEqual({ id: -7, note: 'é' })
  })

  test('a schema that nobody may change: values are of the types that AvroValue tells', () => {
    const reading = frozen({
      type: 'record',
      name: 'Reading',
      fields: [
        { name: 'note', type: ['null', 'string', 'int', 'bytes'] },
        { name: 'state', type: { type: 'enum', name: 'State', symbols: ['on', 'off'] } },
        { name: 'before', type: { type: 'array', items: 'State' } },
        { name: 'counts', type: { type: 'map', values: 'long' } },
        { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
        { name: 'last', type: ['null', 'Reading'] },
      ],
    } as const)
    const serde = serdes.avro(reading)
    const value: AvroValue<typeof reading> = {
      note: Buffer.from([1]),
      state: 'on',
      before: ['off'],
      counts: { a: 1 },
      hash: Buffer.from([1, 2]),
      last: { note: 7, state: 'off', before: [], counts: {}, hash: Buffer.from([3, 4]), last: null },
    }
    expect(thereAndBack(serde, value)).toEqual(value)
    // JavaScript does not tell an int from a double: such values are wrapped, and unknown to AvroValue.
    expect(bytesOf(serdes.avro(['int', 'double']), { int: 1 })).toEqual([0, 2])
  })

  test('a value that does not fit, and a schema that is none, chain their cause', () => {
    const error = errorOf(() => serdes.avro(schema).serialize({ id: 'x' }, context))
    expect(error.code).toBe('SERDE_TYPE')
    expect(error.cause).toBeInstanceOf(Error)
    expect(errorOf(() => serdes.avro({ type: 'nonsense' } as never)).code).toBe('SERDE_SCHEMA')
  })
})

test('a copy with another method in its place is read and written by that alone', () => {
  const all = [
    serdes.string(),
    serdes.int32(),
    serdes.int64(),
    serdes.float64(),
    serdes.json<number>(),
    serdes.bytes(),
  ]
  for (const serde of all) {
    const copy = { ...serde, deserialize: () => 7 } as unknown as Serde<number>
    expect(Object.keys(copy).sort()).toEqual(['deserialize', 'name', 'serialize'])
    for (const path of ['deserializeFrom', 'serializeTransient', 'roundTrips', 'readsAscii'] as const)
      expect(copy[path], `${path} of ${serde.name}`).toBeUndefined()
  }
  expect(serdes.string().deserializeFrom).toBeTypeOf('function')
})

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
