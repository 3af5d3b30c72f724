import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { PushClient } from '../../topologies/contacts-import/push/push-client.ts'
import type { PushEvent } from '../../topologies/contacts-import/records.ts'

/** A socket whose other side reads when the test says so. */
class SlowSocket extends EventEmitter {
  bufferedAmount = 0
  readonly sent: PushEvent[] = []
  closedWith: number | undefined
  terminated = false
  pings = 0
  #callbacks: (() => void)[] = []

  send(text: string, callback: () => void): void {
    this.sent.push(JSON.parse(text) as PushEvent)
    this.#callbacks.push(callback)
  }

  drain(): void {
    this.bufferedAmount = 0
    for (const callback of this.#callbacks.splice(0)) callback()
  }

  ping(): void {
    this.pings += 1
  }

  close(code: number): void {
    this.closedWith = code
  }

  terminate(): void {
    this.terminated = true
  }
}

function event(seq: number, type: PushEvent['type'], importId = 'i1'): PushEvent {
  return { seq, type, importId, total: 1, succeeded: 0, failed: 0, at: seq }
}

async function* log(...events: PushEvent[]): AsyncGenerator<readonly [string, PushEvent]> {
  for (const each of events) yield [String(each.seq), each] as const
}

function open(lastSeq = 0) {
  const socket = new SlowSocket()
  return { socket, client: new PushClient(socket as unknown as WebSocket, lastSeq) }
}

const seqs = (socket: SlowSocket) => socket.sent.map(({ seq }) => seq)

test('what is offered during the replay comes after it, each event once', async () => {
  const { socket, client } = open(1)
  const replay = client.replay(log(event(2, 'started'), event(3, 'progress')))
  client.offer(event(3, 'progress'))
  client.offer(event(4, 'completed'))
  await replay
  client.offer(event(4, 'completed'))
  client.offer(event(5, 'started', 'i2'))
  expect(seqs(socket)).toEqual([2, 3, 4, 5])
})

test('a slow browser misses old progress, never a start or a completion', async () => {
  const { socket, client } = open()
  await client.replay(log(event(1, 'started')))
  socket.bufferedAmount = 1024 * 1024
  for (let seq = 2; seq <= 500; seq += 1) client.offer(event(seq, 'progress'))
  client.offer(event(501, 'progress', 'i2'))
  client.offer(event(502, 'completed'))
  expect(seqs(socket)).toEqual([1])
  socket.drain()
  expect(seqs(socket)).toEqual([1, 500, 501, 502])
})

test('a browser that is too slow even for that is sent away', async () => {
  const { socket, client } = open()
  await client.replay(log())
  socket.bufferedAmount = 1024 * 1024
  for (let seq = 1; seq <= 1001; seq += 1) client.offer(event(seq, 'completed', `i${seq}`))
  expect(socket.closedWith).toBe(1013)
})

test('a browser that does not answer a ping is cut off before the next', () => {
  const { socket, client } = open()
  client.checkAlive()
  socket.emit('pong')
  client.checkAlive()
  expect([socket.pings, socket.terminated]).toEqual([2, false])
  client.checkAlive()
  expect(socket.terminated).toBe(true)
})
