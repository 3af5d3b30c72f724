import { request, type IncomingMessage } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { httpApp } from '../../lib/http/http-app.ts'
import type { HttpAppOptions } from '../../lib/http/http-options.ts'
import { serveHttp } from '../../lib/http/serve-http.ts'
import type { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { produce } from '../support/topics.ts'
import { application, ask, memoryBroker, PARTITIONS } from './fixture.ts'

async function started(): Promise<{ readonly broker: Broker; readonly streams: KafkaStreams }> {
  const broker = await memoryBroker()
  const streams = await application(broker)
  await streams.start()
  return { broker, streams }
}

interface SentEvent {
  readonly event: string
  readonly data: { readonly [name: string]: unknown }
}

/** The events of a body as they come, and its comments. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  #text = ''
  comments = 0

  constructor(response: Response) {
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    this.#reader = response.body!.getReader()
    onTestFinished(() => this.#reader.cancel().catch(() => undefined))
  }

  /** Undefined at the end. */
  async next(): Promise<SentEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end >= 0) {
        const block = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        const match = /^event: (\w+)\ndata: (.*)$/.exec(block)
        if (match) return { event: match[1]!, data: JSON.parse(match[2]!) }
        expect(block).toBe(': still here')
        this.comments += 1
        continue
      }
      const { done, value } = await this.#reader.read()
      if (done) return undefined
      this.#text += this.#decoder.decode(value, { stream: true })
    }
  }

  cancel = () => this.#reader.cancel()
}

const opened = async (streams: KafkaStreams, options: HttpAppOptions = {}, path = '/stores/totals/changes') =>
  new Events(await httpApp(streams, { logger: silentLogger, ...options }).request(path))

describe('changes of a store', () => {
  it('are told from the moment of the open event, after their commit', async () => {
    const { broker, streams } = await started()
    const events = await opened(streams)
    expect(await events.next()).toEqual({ event: 'open', data: { store: 'totals', state: 'running' } })
    await produce(broker, 'in', PARTITIONS, [['a', 'x\n\ny', 1_234]])
    expect(await events.next()).toEqual({
      event: 'change',
      data: { key: 'a', value: 'x\n\ny', timestamp: 1_234 },
    })
  })

  it.each([
    ['minutes', { key: 'a', start: 1_000, end: 2_000, value: 1, timestamp: 1_234 }],
    ['visits', { key: 'a', start: 1_234, end: 1_234, value: 1, timestamp: 1_234 }],
  ])('are told of windows and sessions (%s)', async (store, data) => {
    const { broker, streams } = await started()
    const events = await opened(streams, {}, `/stores/${store}/changes`)
    expect((await events.next())?.event).toBe('open')
    await produce(broker, 'in', PARTITIONS, [['a', 'x', 1_234]])
    expect(await events.next()).toEqual({ event: 'change', data })
  })

  it('end with an event when the application closes', async () => {
    const { streams } = await started()
    const events = await opened(streams)
    expect((await events.next())?.event).toBe('open')
    await streams.close()
    expect(await events.next()).toEqual({
      event: 'end',
      data: { reason: 'the application is in state pending-shutdown' },
    })
    expect(await events.next()).toBeUndefined()
    const late = await ask(httpApp(streams), '/stores/totals/changes')
    expect([late.status, late.body.error.code]).toEqual([503, 'STORE_NOT_AVAILABLE'])
  })

  it('that do not come are stood for by comments', async () => {
    const { streams } = await started()
    const events = await opened(streams, { heartbeatMs: 1 })
    await events.next()
    const ended = events.next()
    await eventually(() => events.comments > 2, { what: 'three comments' })
    await streams.close()
    expect((await ended)?.event).toBe('end')
  })

  it('are not held for a client that does not read: it is told, and let go of', async () => {
    const { broker, streams } = await started()
    const bytesMax = 2_000
    const events = await opened(streams, { changesBytesMax: bytesMax })
    expect((await events.next())?.event).toBe('open')
    const witness = await opened(streams)
    await witness.next()
    await produce(
      broker,
      'in',
      PARTITIONS,
      Array.from({ length: 200 }, (_, at) => [`k${at}`, 'x'.repeat(100)]),
    )
    for (let seen = 0; seen < 200; seen += 1) expect((await witness.next())?.event).toBe('change')
    // What was handed over before it fell behind is one piece of at most as much.
    const told: SentEvent[] = []
    for (let event = await events.next(); event; event = await events.next()) told.push(event)
    expect(told.at(-1)).toMatchObject({ event: 'overflow', data: { code: 'CLIENT_TOO_SLOW' } })
    expect(told.length).toBeLessThan(40)
  })

  it('are watched by nobody once the client has gone', async () => {
    const { broker, streams } = await started()
    const watched = new Set<object>()
    const { changes } = streams
    streams.changes = function (this: KafkaStreams, name: string) {
      const observable = changes.call(this, name)
      const { subscribe } = observable
      observable.subscribe = (...args: unknown[]) => {
        const subscription = (subscribe as (...all: unknown[]) => ReturnType<typeof subscribe>).apply(
          observable,
          args,
        )
        watched.add(subscription)
        subscription.add(() => watched.delete(subscription))
        return subscription
      }
      return observable
    } as typeof changes
    const server = await serveHttp(streams, { port: 0, logger: silentLogger })
    onTestFinished(() => server.close({ timeoutMs: 0 }))
    const controller = new AbortController()
    const response = await fetch(`${server.url}/stores/totals/changes`, { signal: controller.signal })
    expect(response.status).toBe(200)
    expect(watched.size).toBe(1)
    controller.abort()
    await eventually(() => watched.size === 0, { what: 'the end of the subscription' })
    const head = await fetch(`${server.url}/stores/totals/changes`, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(watched.size).toBe(0)
    await produce(broker, 'in', PARTITIONS, [['a', 'x']])
  })

  it.each([
    ['totls/changes', 404, 'UNKNOWN_STORE', 'did you mean "totals"?'],
    ['totals/changes?key=a', 400, 'BAD_PARAMETER', 'key: this route has no such parameter; there are: none'],
  ])('that cannot be told are refused: %s', async (path, status, code, message) => {
    const { streams } = await started()
    const answer = await ask(httpApp(streams), `/stores/${path}`)
    expect([answer.status, answer.body.error.code]).toEqual([status, code])
    expect(answer.body.error.message).toContain(message)
  })

  it('over a socket whose reader stands still take no more memory than their bound, and end', async () => {
    const { broker, streams } = await started()
    const bytesMax = 1_000_000
    const server = await serveHttp(streams, { port: 0, changesBytesMax: bytesMax, logger: silentLogger })
    onTestFinished(() => server.close({ timeoutMs: 0 }))
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${server.url}/stores/totals/changes`, resolve).on('error', reject).end()
    })
    const witness = new Events(await fetch(`${server.url}/stores/totals/changes`))
    await witness.next()
    // More than both sides' buffers of a connection take; the reader that reads keeps up, since it waits for
    // each batch.
    const value = 'x'.repeat(400_000)
    let text = ''
    for (let sent = 0; sent < 60; sent += 1) {
      await produce(broker, 'in', PARTITIONS, [['k', value]])
      expect((await witness.next())?.event).toBe('change')
    }
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    await eventually(() => response.complete, { what: 'the end of the answer' })
    expect(text).toMatch(/event: overflow\ndata: \{"code":"CLIENT_TOO_SLOW".*\}\n\n$/)
  })
})
