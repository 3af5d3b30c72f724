import { expect, test } from 'vitest'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import type { PushEvent } from '../../lib/dsl/push/push-event.ts'
import { PushClient } from '../../lib/push/push-client.ts'
import type { PushMessage } from '../../lib/push/push-message.ts'
import { pushMetrics } from '../../lib/push/push-metrics.ts'
import type { OutgoingMessage, Transport } from '../../lib/push/transport.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { eventually } from '../support/eventually.ts'
import { upTo } from './fixture.ts'

/** A connection whose other side reads when the test says so; each message waits for it. */
class SlowTransport implements Transport {
  readonly kind = 'websocket'
  onDrain: () => void = () => undefined
  onClose: () => void = () => undefined
  waitingBytes = 0
  waitingBytesMost = 0
  readonly messages: PushMessage[] = []
  closedWith: number | undefined
  isTerminated = false
  isAlive = true
  /** Whether the other side takes each message as it comes. */
  isFast = false

  send({ text }: OutgoingMessage): void {
    this.messages.push(JSON.parse(text) as PushMessage)
    if (!this.isFast) this.waitingBytes += text.length
    this.waitingBytesMost = Math.max(this.waitingBytesMost, this.waitingBytes)
  }

  drain(): void {
    this.waitingBytes = 0
    this.onDrain()
  }

  beat(): boolean {
    return this.isAlive
  }

  close(code: number): void {
    this.closedWith = code
  }

  terminate(): void {
    this.isTerminated = true
  }

  get told(): string[] {
    return this.messages.map(each => (each.type === 'gap' ? `gap ${each.from}-${each.to}` : String(each.seq)))
  }
}

const CLIENT_BYTES_MAX = 1_000

function event(seq: number, mergeKey?: string): PushEvent {
  return { seq, atMs: seq, data: seq, ...(mergeKey === undefined ? { isTerminal: true } : { mergeKey }) }
}

/** A client over a log that the test fills. */
function open({ lastSeq = 0, isFast = false } = {}) {
  const log: PushEvent[] = []
  const reads: number[] = []
  const transport = new SlowTransport()
  transport.isFast = isFast
  const clock = new ManualClock()
  const metrics = new Metrics({ clock })
  const client = new PushClient({
    transport,
    lastSeq,
    async *read(fromSeq) {
      reads.push(fromSeq)
      for (const each of [...log]) if (each.seq >= fromSeq) yield each
    },
    limits: { clientBytesMax: CLIENT_BYTES_MAX, mergeAfterMs: 1_000, disconnectAfterMs: 30_000 },
    clock,
    metrics: pushMetrics(metrics, 'push', () => 1),
    onReadError: () => undefined,
  })
  /** An event comes: it is in the log, then it is told. */
  const come = (each: PushEvent) => {
    log.push(each)
    client.offer(each)
  }
  return { client, transport, clock, metrics, log, reads, come }
}

test('what comes during the first read comes after it, each event once', async () => {
  const { client, transport, log, come } = open({ lastSeq: 1, isFast: true })
  for (const seq of [1, 2, 3]) log.push(event(seq))
  client.start()
  client.offer(event(3))
  come(event(4))
  await eventually(() => transport.told.length >= 3)
  come(event(5))
  client.offer(event(5))
  client.offer(event(2))
  expect(transport.told).toEqual(['2', '3', '4', '5'])
})

test('an event that has been missed is read from the log', async () => {
  const { client, transport, log, reads, come } = open({ isFast: true })
  client.start()
  await eventually(() => reads.length === 1)
  log.push(event(1), event(2))
  come(event(3))
  await eventually(() => transport.told.length === 3)
  expect(transport.told).toEqual(['1', '2', '3'])
})

test('numbers that are no longer in the log are told as a gap, once', async () => {
  const { client, transport, log } = open({ lastSeq: 2, isFast: true })
  log.push(event(9), event(10))
  client.start()
  await eventually(() => transport.told.length === 3)
  expect(transport.told).toEqual(['gap 3-8', '9', '10'])
})

test('an event that the log has lost again is no reason to read for ever', async () => {
  const { client, reads, transport } = open({ isFast: true })
  client.start()
  await eventually(() => reads.length === 1)
  client.offer(event(5))
  await eventually(() => reads.length === 2)
  await new Promise(resolve => setTimeout(resolve, 5))
  expect([reads.length, transport.told]).toEqual([2, []])
})

test('a slow client misses what newer events stand for, never an end, and knows what it missed', async () => {
  const { client, transport, clock, metrics, come, reads } = open()
  client.start()
  await eventually(() => reads.length === 1)
  for (let seq = 1; seq <= 500; seq += 1) come(event(seq, 'job'))
  come(event(501, 'other'))
  come(event(502))
  const before = transport.told.length
  expect(transport.waitingBytesMost).toBeLessThan(CLIENT_BYTES_MAX + 200)
  clock.advance(1_500)
  transport.drain()
  await eventually(() => transport.told.at(-1) === '502')
  expect(transport.told.slice(before)).toEqual([`gap ${before + 1}-499`, '500', '501', '502'])
  expect(metrics.total('push-events-merged-total')).toBe(499 - before)
  expect(metrics.total('push-events-skipped-total')).toBe(499 - before)
})

test('a client that is slow for a moment only gets every event', async () => {
  const { client, transport, clock, come, reads } = open()
  client.start()
  await eventually(() => reads.length === 1)
  for (let seq = 1; seq <= 200; seq += 1) come(event(seq, 'job'))
  await eventually(() => {
    clock.advance(10)
    transport.drain()
    return transport.told.length === 200
  })
  expect(transport.told).toEqual(upTo(200).map(String))
})

test('a client that takes nothing is told to come back later, and then cut off', async () => {
  const { client, transport, clock, metrics, come, reads } = open()
  client.start()
  await eventually(() => reads.length === 1)
  for (let seq = 1; seq <= 100; seq += 1) come(event(seq))
  clock.advance(29_999)
  expect(transport.closedWith).toBeUndefined()
  clock.advance(1)
  expect([transport.closedWith, transport.isTerminated]).toEqual([1013, false])
  expect(metrics.total('push-slow-disconnects-total')).toBe(1)
  clock.advance(5_000)
  expect(transport.isTerminated).toBe(true)
})

test('a client that has closed costs nothing more: no timer, no read', async () => {
  const { client, transport, clock, come, reads } = open()
  client.start()
  await eventually(() => reads.length === 1)
  for (let seq = 1; seq <= 100; seq += 1) come(event(seq))
  client.closed()
  expect(clock.waitMs).toBe(Infinity)
  transport.drain()
  come(event(101))
  expect(reads.length).toBe(1)
})

test('a client without a sign of life is cut off; one that is full has its own limit', async () => {
  const quiet = open()
  quiet.client.beat()
  expect(quiet.transport.isTerminated).toBe(false)
  quiet.transport.isAlive = false
  quiet.client.beat()
  expect(quiet.transport.isTerminated).toBe(true)

  const full = open()
  full.client.start()
  await eventually(() => full.reads.length === 1)
  for (let seq = 1; seq <= 100; seq += 1) full.come(event(seq))
  full.transport.isAlive = false
  full.client.beat()
  expect(full.transport.isTerminated).toBe(false)
})
