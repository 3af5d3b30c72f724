import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../lib/common/clock.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { SchemaRegistry, type SchemaRegistryOptions } from '../../lib/serde/registry/schema-registry.ts'
import type { SerdePendingError } from '../../lib/serde/serde-pending-error.ts'
import { HttpRegistry } from '../support/http-registry.ts'

type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown }

const order = (...fields: Field[]) =>
  ({
    type: 'record',
    name: 'Order',
    namespace: 'shop',
    fields: [{ name: 'id', type: 'int' }, ...fields],
  }) as never
const ORDER = order()
const WITH_NOTE = order({ name: 'note', type: 'string', default: '-' })
const context = { topic: 'orders' }

async function openRegistry(options: Partial<SchemaRegistryOptions> = {}, clock: Clock = systemClock) {
  const server = await HttpRegistry.open()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const registry = new SchemaRegistry({ url: server.url, retryPauseMs: 1, ...options }, { clock })
  return { server, registry }
}

/** Bytes as another program with this schema writes them. */
async function written(server: HttpRegistry, schema: unknown, value: unknown): Promise<Uint8Array> {
  const other = new SchemaRegistry({ url: server.url })
  server.add('elsewhere', schema)
  return (await other.avro({ subject: 'elsewhere', schema: schema as never })).serialize(value, context)
}

describe('an Avro serde of a registry', () => {
  test('writes a zero byte, the id of the schema, and Avro', async () => {
    const { server, registry } = await openRegistry()
    server.add('other', 'string')
    const serde = await registry.avro<{ id: number }>({ topic: 'orders', schema: ORDER, register: true })
    const bytes = serde.serialize({ id: 3 }, context)
    expect([...bytes]).toEqual([0, 0, 0, 0, 2, 6])
    expect(serde.deserialize(bytes, context)).toEqual({ id: 3 })
    expect(await registry.version('orders-value')).toMatchObject({ version: 1, id: 2, schema: ORDER })
  })

  test('takes the latest schema, or the version asked for, of the subject where the program has none', async () => {
    const { server, registry } = await openRegistry()
    server.add('orders-key', ORDER)
    server.add('orders-key', WITH_NOTE)
    const latest = await registry.avro({ topic: 'orders', part: 'key' })
    expect([...latest.serialize({ id: 1, note: 'a' }, context)].slice(4)).toEqual([2, 2, 2, 0x61])
    const first = await registry.avro({ topic: 'orders', part: 'key', version: 1 })
    expect([...first.serialize({ id: 1 }, context)].slice(4)).toEqual([1, 2])
  })

  test('a schema that is not registered is refused, unless it is told to register it', async () => {
    const { registry } = await openRegistry()
    await expect(registry.avro({ topic: 'orders', schema: ORDER })).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      message: expect.stringContaining('set register: true') as string,
    })
    await registry.register('orders-value', ORDER)
    await registry.avro({ topic: 'orders', schema: ORDER })
  })

  test.each([
    ['topic', 'orders-value'],
    ['record', 'shop.Order'],
    ['topic-record', 'orders-shop.Order'],
  ] as const)('names its subject by %s: %s', async (subjectNaming, subject) => {
    const { server, registry } = await openRegistry({ subjectNaming })
    await registry.avro({ topic: 'orders', schema: ORDER, register: true })
    expect(server.requests[0]).toBe(`POST /subjects/${subject}/versions`)
  })

  test('says what its subject lacks', async () => {
    const { registry } = await openRegistry({ subjectNaming: 'record' })
    await expect(registry.avro({ topic: 'orders', schema: 'string' })).rejects.toThrow(
      /a schema that is a record must be given/,
    )
  })

  test('bytes without the header, and a value that does not fit, are errors of the record', async () => {
    const { registry } = await openRegistry()
    const serde = await registry.avro<object>({ topic: 'orders', schema: ORDER, register: true })
    const codeOf = (act: () => unknown) => {
      try {
        return act()
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(codeOf(() => serde.deserialize(Uint8Array.of(1, 0, 0, 0, 1, 2), context))).toBe('SERDE_DATA')
    expect(codeOf(() => serde.deserialize(Uint8Array.of(0, 0), context))).toBe('SERDE_DATA')
    expect(codeOf(() => serde.deserialize(Uint8Array.of(0, 0, 0, 0, 1, 2, 9), context))).toBe('SERDE_DATA')
    expect(codeOf(() => serde.serialize({ id: 'x' }, context))).toBe('SERDE_TYPE')
  })
})

describe('schemas that change', () => {
  /** What a reader with `reader` makes of a value written with `writer`, once the schema is there. */
  async function evolved(writer: unknown, reader: unknown, value: unknown): Promise<unknown> {
    const { server, registry } = await openRegistry()
    const serde = await registry.avro({ topic: 'orders', schema: reader as never, register: true })
    const bytes = await written(server, writer, value)
    let pending: SerdePendingError | undefined
    try {
      serde.deserialize(bytes, context)
    } catch (error) {
      pending = error as SerdePendingError
    }
    expect(pending).toMatchObject({ code: 'SERDE_PENDING' })
    await pending!.settled
    return serde.deserialize(bytes, context)
  }

  test('a field that was added takes its default', async () => {
    expect(await evolved(ORDER, WITH_NOTE, { id: 1 })).toEqual({ id: 1, note: '-' })
  })

  test('a field that was removed is skipped', async () => {
    expect(await evolved(WITH_NOTE, ORDER, { id: 1, note: 'long'.repeat(100) })).toEqual({ id: 1 })
  })

  test('a type that was widened is promoted', async () => {
    const wide = {
      type: 'record',
      name: 'Order',
      namespace: 'shop',
      fields: [{ name: 'id', type: 'double' }],
    }
    expect(await evolved(ORDER, wide, { id: 7 })).toEqual({ id: 7 })
  })

  test('what cannot be resolved is an error of the record', async () => {
    const text = {
      type: 'record',
      name: 'Order',
      namespace: 'shop',
      fields: [{ name: 'id', type: 'string' }],
    }
    await expect(evolved(ORDER, text, { id: 7 })).rejects.toMatchObject({ code: 'SERDE_SCHEMA' })
    await expect(evolved(ORDER, order({ name: 'must', type: 'string' }), { id: 7 })).rejects.toThrow(/must/)
  })

  test('versions of its own subject are there from the start', async () => {
    const { server, registry } = await openRegistry()
    server.add('orders-value', ORDER)
    const bytes = await written(server, ORDER, { id: 5 })
    const serde = await registry.avro({ topic: 'orders', schema: WITH_NOTE, register: true })
    expect(serde.deserialize(bytes, context)).toEqual({ id: 5, note: '-' })
  })

  test('the rule of the subject: asked, and enforced when registering', async () => {
    const { registry } = await openRegistry()
    await registry.register('orders-value', ORDER)
    const breaking = order({ name: 'must', type: 'string' })
    expect(await registry.compatibility('orders-value', WITH_NOTE)).toEqual({
      compatible: true,
      messages: [],
    })
    const answer = await registry.compatibility('orders-value', breaking)
    expect(answer.compatible).toBe(false)
    expect(answer.messages[0]).toContain('must')
    await expect(registry.register('orders-value', breaking)).rejects.toMatchObject({
      code: 'REGISTRY_INCOMPATIBLE',
    })
  })

  test.each([
    ['references', { references: [{ name: 'x', subject: 'x', version: 1 }] }, /refers to other subjects/],
    ['another type', { schemaType: 'PROTOBUF' }, /of type PROTOBUF/],
  ])('%s: not supported, and said so', async (_name, extra, message) => {
    const { server, registry } = await openRegistry()
    const id = server.add('orders-value', ORDER, extra)
    await expect(registry.schema(id)).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    await expect(registry.avro({ topic: 'orders' })).rejects.toThrow(message)
  })
})

describe('the registry itself', () => {
  test('many that meet one id fetch it once', async () => {
    const { server, registry } = await openRegistry()
    const id = server.add('orders-value', ORDER)
    await Promise.all(Array.from({ length: 20 }, () => registry.schema(id)))
    await registry.schema(id)
    expect(server.requests).toEqual([`GET /schemas/ids/${id}`])
  })

  test('an id that is unknown is said to be, and not asked for with every record', async () => {
    const { server, registry } = await openRegistry()
    for (let times = 0; times < 3; times += 1) {
      await expect(registry.schema(77)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' })
    }
    expect(server.requests).toHaveLength(1)
  })

  test('5xx and 429 are asked again', async () => {
    const { server, registry } = await openRegistry()
    const id = server.add('orders-value', ORDER)
    const statuses = [503, 429, 500]
    server.fault = () => statuses.shift()
    expect(await registry.schema(id)).toEqual(ORDER)
    expect(server.requests).toHaveLength(4)
  })

  test('gives up after its retries, naming url and settings', async () => {
    const { server, registry } = await openRegistry({ retriesMax: 2 })
    server.fault = () => 503
    const error = await registry.schema(1).catch((reason: unknown) => reason as Error)
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    expect((error as Error).message).toMatch(new RegExp(`${server.url} .* 3 attempts.*503.*settings: url`))
    // Not remembered: it may be well again.
    server.fault = undefined
    server.add('orders-value', ORDER)
    expect(await registry.schema(1)).toEqual(ORDER)
  })

  test('nothing listens there', async () => {
    const { server } = await openRegistry()
    const { url } = server
    await server[Symbol.asyncDispose]()
    const registry = new SchemaRegistry({ url, retriesMax: 1, retryPauseMs: 1 })
    await expect(registry.versions('a')).rejects.toThrow(/cannot be used after 2 attempts: .*ECONNREFUSED/)
  })

  test('a slow answer is broken off, its body included, and asked for again', async () => {
    const { server, registry } = await openRegistry({ timeoutMs: 40 })
    const id = server.add('orders-value', ORDER)
    let release = () => undefined as void
    const held = new Promise<void>(resolve => (release = resolve))
    let times = 0
    server.fault = () => ((times += 1) === 1 ? held : undefined)
    expect(await registry.schema(id)).toEqual(ORDER)
    release()
    expect(times).toBe(2)
  })

  test('pauses grow, each by chance between half of its step and all of it', async () => {
    const pauses: number[] = []
    const clock: Clock = { ...systemClock, sleep: async ms => void pauses.push(ms) }
    const server = await HttpRegistry.open()
    onTestFinished(() => server[Symbol.asyncDispose]())
    server.fault = () => 500
    const random = { next: () => 0.5, uuid: () => '' }
    const registry = new SchemaRegistry({ url: server.url, retriesMax: 7 }, { clock, random })
    await expect(registry.versions('a')).rejects.toThrow()
    expect(pauses).toEqual([150, 300, 600, 1200, 2400, 3750, 3750])
  })

  test.each([
    [
      'basic',
      { auth: { username: 'ann', password: 'pä:ss' } },
      `Basic ${Buffer.from('ann:pä:ss').toString('base64')}`,
    ],
    ['bearer', { auth: { token: 'abc' } }, 'Bearer abc'],
  ])('authentication: %s', async (_name, options, header) => {
    const { server, registry } = await openRegistry(options)
    server.authorization = header
    server.add('a', ORDER)
    expect(await registry.versions('a')).toEqual([1])
  })

  test('refused credentials are told at once, and never shown', async () => {
    const server = await HttpRegistry.open()
    onTestFinished(() => server[Symbol.asyncDispose]())
    server.authorization = 'Bearer right'
    const registry = new SchemaRegistry({ url: server.url.replace('//', '//ann:secret@') })
    const error = await registry.versions('a').catch((reason: unknown) => reason as Error)
    expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
    expect((error as Error).message).toContain('setting: auth')
    expect((error as Error).message).not.toContain('secret')
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    [{ url: 'localhost' }, /url is "localhost"/],
    [{ url: 'http://h', timeoutMs: 0 }, /timeoutMs is 0/],
    [{ url: 'http://h', retriesMax: -1 }, /retriesMax is -1/],
  ])('%j is refused', (options, message) => {
    expect(() => new SchemaRegistry(options)).toThrow(message)
  })

  test('a server that is none is told so', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end('<h1>Not here</h1>'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const registry = new SchemaRegistry({ url: `http://127.0.0.1:${port}/x/` })
    await expect(registry.versions('a/b')).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER',
      message: expect.stringMatching(
        /127\.0\.0\.1:\d+\/x\/subjects\/a%2Fb\/versions .*is the url right/,
      ) as string,
    })
  })

  test('a schema that is none is refused before anything is asked, and by the registry', async () => {
    const { server, registry } = await openRegistry()
    const none = { type: 'nonsense' } as never
    await expect(registry.avro({ topic: 'a', schema: none })).rejects.toMatchObject({ code: 'SERDE_SCHEMA' })
    expect(server.requests).toEqual([])
    await expect(registry.register('a', none)).rejects.toMatchObject({ code: 'REGISTRY_INVALID' })
  })
})
