import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { pushHub } from '../../lib/push.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { eventually } from '../support/eventually.ts'
import { listen, memoryBroker, openNode, refusal, story, tell, upTo } from './fixture.ts'
import { SECRET } from './push-topology.ts'

test('events come by number, whichever node, before or after the socket opens', async () => {
  const broker = await memoryBroker()
  const [one, other] = [await openNode(broker), await openNode(broker)]
  const early = listen(one, 'c1')
  await tell(broker, story('c1', 3))
  await eventually(() => early.seqs.length === 5)
  const late = listen(other, 'c1')
  await eventually(() => late.seqs.length === 5)
  expect(late.messages).toEqual(early.messages)
  expect(early.messages.map(each => each.type === 'event' && [each.seq, each.data, each.terminal])).toEqual([
    [1, { type: 'started', job: 'job' }, undefined],
    [2, { type: 'progress', job: 'job', percent: 0 }, undefined],
    [3, { type: 'progress', job: 'job', percent: 1 }, undefined],
    [4, { type: 'progress', job: 'job', percent: 2 }, undefined],
    [5, { type: 'completed', job: 'job' }, true],
  ])
  const resumed = listen(other, 'c1', { lastSeq: 4 })
  await eventually(() => resumed.seqs.length === 1)
  expect(resumed.seqs).toEqual([5])
  expect(one.streams.metrics.total('push-events-sent-total')).toBe(5)
})

test('server-sent events go on behind Last-Event-ID', async () => {
  const broker = await memoryBroker()
  const { hub } = await openNode(broker)
  await tell(broker, story('c1', 1))
  const url = `http://host/push/events?channel=c1&token=${hub.channelToken('c1')}`
  const headers = { 'last-event-id': '1', origin: 'http://host' }
  const response = hub.fetch(new Request(url, { headers }))
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('id: 3')) text += (await reader.read()).value
  expect(text.replace(/"atMs":\d+/g, '"atMs":0')).toBe(
    'retry: 1000\n\n' +
      'id: 2\ndata: {"type":"event","seq":2,"atMs":0,"data":{"type":"progress","job":"job","percent":0}}\n\n' +
      'id: 3\ndata: {"type":"event","seq":3,"atMs":0,"terminal":true,"data":{"type":"completed","job":"job"}}\n\n',
  )
  expect(hub.connections).toBe(1)
  const closing = hub.close()
  expect((await reader.read()).value).toBe('event: closing\ndata: {"code":1001,"reason":"going away"}\n\n')
  await closing
  expect(hub.connections).toBe(0)
})

test('a request that is wrong is refused before the socket, with a code', async () => {
  const broker = await memoryBroker()
  const { hub, url, streams } = await openNode(broker, { origins: ['https://app.example'] })
  const token = hub.channelToken('c1')
  const at = (query: string, headers: { [name: string]: string } = {}) =>
    refusal(`/push/events?${query}`, url, headers)
  expect(await at('channel=c1')).toEqual({ status: 401, code: 'TOKEN_MISSING' })
  expect(await at(`channel=c1&token=${token}x`)).toEqual({ status: 401, code: 'TOKEN_FORGED' })
  expect(await at(`channel=c2&token=${token}`)).toEqual({ status: 403, code: 'CHANNEL_FORBIDDEN' })
  expect(await at(`token=${token}`)).toEqual({ status: 400, code: 'INVALID_CHANNEL' })
  expect(await at(`channel=c1&token=${token}&lastSeq=-1`)).toEqual({ status: 400, code: 'INVALID_SEQ' })
  const foreign = { origin: 'https://evil.example' }
  expect(await at(`channel=c1&token=${token}`, foreign)).toEqual({ status: 403, code: 'FOREIGN_ORIGIN' })
  expect(await refusal('/elsewhere', url)).toEqual({ status: 404, code: 'NOT_FOUND' })
  expect(streams.metrics.total('push-refused-total')).toBe(6)
  for (const origin of ['https://app.example', `http://${url}`]) {
    const socket = new WebSocket(`ws://${url}/push/events?channel=c1&token=${token}`, { headers: { origin } })
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    socket.terminate()
  }
  const answer = hub.fetch(new Request(`http://host/push/events?channel=c1`))
  expect([answer.status, await answer.json()]).toEqual([
    401,
    { error: { code: 'TOKEN_MISSING', message: 'token is missing' } },
  ])
  expect(hub.fetch(new Request('http://host/push')).status).toBe(404)
  expect(hub.fetch(new Request('http://host/push/events', { method: 'POST' })).status).toBe(405)
})

test('a token ends by the clock of the hub', async () => {
  const broker = await memoryBroker()
  const { hub, url } = await openNode(broker)
  const token = hub.channelToken('c1', { expiresMs: 1 })
  await eventually(async () => {
    const { code } = await refusal(`/push/events?channel=c1&token=${token}`, url)
    return code === 'TOKEN_EXPIRED'
  })
  expect(() => hub.channelToken('c1', { expiresMs: 0 })).toThrow('expiresMs')
  expect(() => hub.channelToken('')).toThrow('1 to 200 characters')
})

test('a hub that closes sends its clients away and takes no more; another node goes on', async () => {
  const broker = await memoryBroker()
  const [one, other] = [await openNode(broker), await openNode(broker)]
  const before = listen(one, 'c1')
  await tell(broker, story('c1', 0))
  await eventually(() => before.seqs.length === 2)
  await one.hub.close()
  expect(before.closedWith).toBe(1001)
  const query = `channel=c1&token=${one.hub.channelToken('c1')}`
  expect(await refusal(`/push/events?${query}`, one.url)).toEqual({ status: 503, code: 'NOT_AVAILABLE' })
  await tell(broker, story('c1', 0))
  const after = listen(other, 'c1', { lastSeq: 2 })
  await eventually(() => after.seqs.length === 2)
  expect(after.seqs).toEqual([3, 4])
})

test('an application that closes sends its clients away, too', async () => {
  const broker = await memoryBroker()
  const node = await openNode(broker)
  const client = listen(node, 'c1')
  await eventually(() => node.hub.connections === 1)
  await node.streams.close()
  await eventually(() => client.closedWith === 1001)
  const query = `channel=c1&token=${node.hub.channelToken('c1')}`
  expect(await refusal(`/push/events?${query}`, node.url)).toEqual({ status: 503, code: 'NOT_AVAILABLE' })
})

test('a client too many is refused', async () => {
  const broker = await memoryBroker()
  const node = await openNode(broker, { clientsMax: 1 })
  listen(node, 'c1')
  await eventually(() => node.hub.connections === 1)
  const query = `channel=c1&token=${node.hub.channelToken('c1')}`
  expect(await refusal(`/push/events?${query}`, node.url)).toEqual({ status: 503, code: 'TOO_MANY_CLIENTS' })
})

test('a client that never reads costs the others nothing, and its memory is bounded', async () => {
  const broker = await memoryBroker()
  const clock = new ManualClock(Date.now())
  const node = await openNode(broker, { clock })
  const slow = listen(node, 'c1')
  // A socket that is not open yet cannot be paused.
  await eventually(() => node.hub.connections === 1 && slow.socket.readyState === WebSocket.OPEN)
  slow.socket.pause()
  const fast = listen(node, 'c1')
  const job = 'j'.repeat(20_000)
  const events = story('c1', 600, job)
  await tell(broker, events)
  await eventually(() => fast.seqs.length === events.length)
  expect(fast.seqs).toEqual(upTo(events.length))
  expect(slow.seqs.length).toBeLessThan(events.length)
  clock.advance(2_000)
  // It reads again: it is told what has gone, and gets the end.
  slow.socket.resume()
  await eventually(() => slow.seqs.at(-1) === events.length)
  const gaps = slow.messages.flatMap(each => (each.type === 'gap' ? [each] : []))
  const missed = gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  expect(missed).toBeGreaterThan(0)
  expect(slow.seqs.length + missed).toBe(events.length)
  expect(slow.seqs).toEqual([...new Set(slow.seqs)].sort((left, right) => left - right))
})

test('nothing is asked of the broker while nothing happens', async () => {
  const broker = await memoryBroker()
  const node = await openNode(broker)
  const clients = Array.from({ length: 20 }, () => listen(node, 'c1'))
  await eventually(() => node.hub.connections === clients.length)
  const ranges = () => node.streams.metrics.total('push-resume-ranges-total')
  const before = ranges()
  await new Promise(resolve => setTimeout(resolve, 300))
  expect(ranges()).toBe(before)
})

test('options that cannot be are refused', async () => {
  const { streams } = await openNode(await memoryBroker())
  const open = (options: object) => () => pushHub(streams, { name: 'push', secret: SECRET, ...options })
  expect(open({ name: 'pull' })).toThrow("toChannels({ name: 'pull' })")
  expect(open({ secret: 'short' })).toThrow('at least 16 characters')
  expect(open({ clientsMax: 0 })).toThrow('clientsMax of push hub "push" is 0')
  expect(open({ path: 'push/' })).toThrow('path of push hub "push"')
})
