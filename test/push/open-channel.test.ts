import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import WebSocket from 'ws'
import { openChannel, type ChannelState, type OpenChannelOptions } from '../../lib/push-client.ts'
import { eventually } from '../support/eventually.ts'
import { memoryBroker, openNode, story, tell, upTo } from './fixture.ts'

beforeEach(() => void vi.stubGlobal('WebSocket', WebSocket))
afterEach(() => void vi.unstubAllGlobals())

/** An EventSource of the platform, which this one has none of: told what to do by the test. */
class FakeEventSource {
  static readonly made: FakeEventSource[] = []
  onopen: (() => void) | null = null
  onmessage: ((message: { readonly data: unknown }) => void) | null = null
  onerror: (() => void) | null = null
  isClosed = false
  readonly url: string

  constructor(url: string) {
    this.url = url
    FakeEventSource.made.push(this)
  }

  close(): void {
    this.isClosed = true
  }
}

function open(url: string, options: Partial<OpenChannelOptions>) {
  const seqs: number[] = []
  const states: ChannelState[] = []
  const channel = openChannel(url, {
    channel: 'c1',
    backoffMs: 5,
    onEvent: message => message.type === 'event' && seqs.push(message.seq),
    onState: state => states.push(state),
    ...options,
  })
  onTestFinished(() => channel.close())
  return { channel, seqs, states }
}

test('a channel comes back by itself when its server goes, behind what it has seen', async () => {
  const broker = await memoryBroker()
  const node = await openNode(broker)
  const sockets: Socket[] = []
  node.server.on('connection', socket => sockets.push(socket))
  let asked = 0
  const token = () => {
    asked += 1
    return node.hub.channelToken('c1')
  }
  const { channel, seqs, states } = open(`http://${node.url}/push/events`, { token })
  await tell(broker, story('c1', 1))
  await eventually(() => seqs.length === 3)
  for (let drop = 0; drop < 3; drop += 1) {
    for (const socket of sockets.splice(0)) socket.destroy()
    await eventually(() => states.filter(state => state === 'open').length === drop + 2)
    await tell(broker, story('c1', 1))
    await eventually(() => seqs.length === 3 * (drop + 2))
  }
  expect(seqs).toEqual(upTo(12))
  expect([channel.lastSeq, asked]).toEqual([12, 4])
  channel.close()
  await eventually(() => node.hub.connections === 0)
  expect(states.at(-1)).toBe('closed')
})

test('where WebSockets do not open it takes server-sent events', async () => {
  FakeEventSource.made.splice(0)
  vi.stubGlobal('EventSource', FakeEventSource)
  // Nobody listens there.
  const { channel, seqs, states } = open('http://127.0.0.1:9/push/events', { token: 't', lastSeq: 7 })
  const source = await eventually(() => FakeEventSource.made[0])
  expect(source.url).toBe('http://127.0.0.1:9/push/events?channel=c1&token=t&lastSeq=7')
  source.onopen?.()
  for (const seq of [7, 8, 8, 9]) source.onmessage?.({ data: JSON.stringify({ type: 'event', seq }) })
  source.onmessage?.({ data: JSON.stringify({ type: 'gap', from: 10, to: 12 }) })
  expect([seqs, channel.lastSeq, states.at(-1)]).toEqual([[8, 9], 12, 'open'])
  source.onerror?.()
  expect([source.isClosed, channel.state]).toEqual([true, 'waiting'])
})

test('a channel that was closed does not come back', async () => {
  let asked = 0
  const { channel, states } = open('http://127.0.0.1:9/push/events', {
    token: async () => {
      asked += 1
      await Promise.resolve()
      channel.close()
      return 't'
    },
  })
  await eventually(() => states.at(-1) === 'closed')
  await new Promise(resolve => setTimeout(resolve, 30))
  expect(asked).toBe(1)
})
