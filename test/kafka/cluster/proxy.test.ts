import { Buffer } from 'node:buffer'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../broker-process.ts'
import { FrameReader } from './frame-reader.ts'
import { API, Proxy, type Api } from './proxy.ts'

/** A broker that answers every request with its correlation id. */
class Broker {
  readonly asked: number[] = []
  readonly server: Server = createServer(socket => {
    const requests = new FrameReader(frame => {
      const correlationId = frame.readInt32BE(8)
      this.asked.push(correlationId)
      socket.write(frameOf(int32(correlationId)))
    })
    socket.on('data', chunk => requests.push(chunk)).on('error', () => undefined)
  })
}

class Client {
  readonly answers: number[] = []
  readonly socket: Socket
  ended = false
  closed = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const answers = new FrameReader(frame => this.answers.push(frame.readInt32BE(4)))
    this.socket.on('data', chunk => answers.push(chunk))
    this.socket.on('error', () => undefined)
    this.socket.once('end', () => (this.ended = true)).once('close', () => (this.closed = true))
  }

  ask(api: Api, correlationId: number): void {
    const header = Buffer.alloc(4)
    header.writeInt16BE(API[api])
    this.socket.write(frameOf(Buffer.concat([header, int32(correlationId)])))
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const frameOf = (body: Buffer) => Buffer.concat([int32(body.length), body])

describe('the proxy before the brokers', () => {
  let broker: Broker
  let proxy: Proxy
  let client: Client

  beforeEach(async () => {
    broker = new Broker()
    await new Promise<void>(resolve => void broker.server.listen(0, '127.0.0.1', resolve))
    const { port } = broker.server.address() as AddressInfo
    const advertisedPort = await freePort()
    proxy = await Proxy.open({
      brokers: '',
      secured: '',
      authority: '',
      strangeAuthority: '',
      proxied: [{ node: 1, port, advertisedPort }],
    })
    client = new Client(advertisedPort)
  })
  afterEach(async () => {
    client.socket.destroy()
    await proxy.close()
    await new Promise(resolve => broker.server.close(resolve))
  })

  const answered = (...ids: number[]) => eventually(() => client.answers.join() === ids.join())

  test('holds back the answer to one kind of request until it is released', async () => {
    proxy.strike('endTxn', 'hold')
    client.ask('endTxn', 1)
    client.ask('produce', 2)
    await answered(2)
    expect(broker.asked).toEqual([1, 2])
    expect(proxy.struck).toBe(1)
    proxy.release()
    await answered(2, 1)
  })

  test('drops so many answers as were ordered, and no more', async () => {
    proxy.strike('txnOffsetCommit', 'drop', 2)
    for (const id of [1, 2, 3]) client.ask('txnOffsetCommit', id)
    await answered(3)
    expect(broker.asked).toEqual([1, 2, 3])
    expect(client.closed).toBe(false)
  })

  test('cuts the connection in place of an answer', async () => {
    proxy.strike('produce', 'cut')
    client.ask('produce', 1)
    await eventually(() => client.closed)
    expect([broker.asked, client.answers]).toEqual([[1], []])
  })

  test('cuts all connections, and takes new ones unless it refuses', async () => {
    client.ask('fetch', 1)
    await answered(1)
    proxy.cut()
    await eventually(() => client.closed)
    const { port } = new URL(`tcp://${proxy.brokers}`)
    const second = new Client(Number(port))
    second.ask('fetch', 2)
    await eventually(() => second.answers.length > 0)
    proxy.refuse(true)
    const third = new Client(Number(port))
    await eventually(() => third.ended)
    expect(second.ended).toBe(false)
    for (const each of [second, third]) each.socket.destroy()
  })

  test('closes the side of the broker only, and answers nothing more', async () => {
    client.ask('fetch', 1)
    await answered(1)
    proxy.halfClose()
    await eventually(() => client.ended)
    client.ask('fetch', 2)
    // The connection is still open for the client's side: nothing refuses what it writes.
    await new Promise(resolve => client.socket.write('', resolve))
    expect([client.closed, broker.asked, client.answers]).toEqual([false, [1], [1]])
  })

  test('delays requests and answers, each by the time, in their order', async () => {
    proxy.delay(40)
    const startMs = performance.now()
    client.ask('fetch', 1)
    client.ask('fetch', 2)
    await answered(1, 2)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(75)
  })
})

test('a frame is whole however the stream is cut', () => {
  const stream = Buffer.concat([
    frameOf(Buffer.from('first')),
    frameOf(Buffer.alloc(0)),
    frameOf(Buffer.from('last')),
  ])
  for (let size = 1; size <= stream.length; size += 1) {
    const frames: string[] = []
    const reader = new FrameReader(frame => frames.push(frame.subarray(4).toString()))
    for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size))
    expect(frames).toEqual(['first', '', 'last'])
  }
})
