import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { acceptUpgrades, liveHub, type LiveHubOptions } from '../../lib/push.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { eventually } from '../support/eventually.ts'
import { refusal } from './fixture.ts'

async function open(options: LiveHubOptions = {}) {
  const clock = new ManualClock(Date.now())
  const hub = liveHub({ clock, ...options })
  const server = createServer()
  acceptUpgrades(server, [hub])
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  onTestFinished(() => void server.close())
  onTestFinished(() => server.closeAllConnections())
  const url = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const page = async () => {
    const socket = new WebSocket(`ws://${url}/live`)
    onTestFinished(() => socket.terminate())
    const told: unknown[] = []
    const ends: number[] = []
    socket.on('message', data => told.push(JSON.parse(String(data))))
    socket.on('close', code => ends.push(code))
    await new Promise(resolve => socket.on('open', resolve))
    await eventually(() => hub.hasListeners)
    return { socket, told, ends }
  }
  return { hub, clock, url, page }
}

test('of each key the newest message goes out, once an interval', async () => {
  const { hub, clock, page } = await open()
  hub.publish('nobody', 'listens')
  const { told } = await page()
  hub.publish('a', 1)
  hub.publish('b', 1)
  hub.publish('a', 2)
  clock.advance(99)
  expect(told).toEqual([])
  clock.advance(1)
  await eventually(() => told.length === 1)
  hub.publish('a', 3)
  clock.advance(100)
  await eventually(() => told.length === 2)
  expect(told).toEqual([
    [
      ['b', 1],
      ['a', 2],
    ],
    [['a', 3]],
  ])
})

test('of too many keys the oldest are left out, and the page is told', async () => {
  const { hub, clock, page } = await open({ keysMax: 2 })
  const { told } = await page()
  for (const key of ['a', 'b', 'c']) hub.publish(key, key)
  clock.advance(100)
  await eventually(() => told.length === 1)
  expect(told[0]).toEqual([
    ['b', 'b'],
    ['c', 'c'],
    ['more', true],
  ])
})

test('a page that takes nothing is sent away', async () => {
  const { hub, clock, page } = await open({ clientBytesMax: 1_000 })
  const { socket, ends } = await page()
  socket.pause()
  await eventually(() => {
    hub.publish('a', 'x'.repeat(1_000_000))
    clock.advance(100)
    return !hub.hasListeners
  })
  socket.resume()
  await eventually(() => ends.length === 1)
  expect(ends).toEqual([1013])
})

test('a hub with a secret opens to its tokens; a hub that closes sends its pages away', async () => {
  const closed = await open({ secret: 'a secret of the tests' })
  expect(await refusal('/live', closed.url)).toEqual({ status: 401, code: 'TOKEN_MISSING' })
  const { hub, page, url } = await open()
  const { ends } = await page()
  await hub.close()
  expect(ends).toEqual([1001])
  expect(await refusal('/live', url)).toEqual({ status: 503, code: 'NOT_AVAILABLE' })
})

test('signs of life go to every page; one that gives none is let go of', async () => {
  const { hub, clock, page } = await open({ heartbeatMs: 1_600 })
  const { socket } = await page()
  let pings = 0
  socket.on('ping', () => (pings += 1))
  await eventually(() => {
    clock.advance(100)
    return pings >= 2
  })
  socket.pause()
  await eventually(() => {
    clock.advance(100)
    return !hub.hasListeners
  })
})
