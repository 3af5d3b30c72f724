import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { ChannelTokens } from '../../lib/push/channel-token.ts'
import { bundledChild } from '../support/bundled-child.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics } from '../support/topics.ts'
import { listen, story, tell, upTo } from './fixture.ts'
import { PARTITIONS, SECRET } from './push-topology.ts'

const child = bundledChild(fileURLToPath(new URL('node-child.ts', import.meta.url)))
const CHANNELS = ['a', 'b', 'c']
const STEPS = 118
const LAST = STEPS + 2

/** Starts a node, and returns where it listens and what kills it. */
async function startNode(directory: string) {
  const node = spawn(process.execPath, [child.path, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = async () => {
    if (node.exitCode !== null || node.signalCode !== null) return
    node.kill('SIGKILL')
    await once(node, 'close')
  }
  onTestFinished(kill)
  const [port] = (await once(node.stdout, 'data')) as [Buffer]
  return { url: `127.0.0.1:${String(port).trim()}`, kill }
}

test('a node that is killed in the middle, twice, costs no browser an event, and none comes twice', async () => {
  const directory = await temporaryDirectory()
  const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
  await createTopics(broker, { told: PARTITIONS })
  const stories = CHANNELS.map(channel => story(channel, STEPS))
  await tell(broker, Array.from({ length: LAST }, (_, at) => stories.map(events => events[at]!)).flat())
  await broker.close()
  const tokens = new ChannelTokens('push', SECRET)
  const hub = { channelToken: (channel: string) => tokens.make(channel, Date.now() + 600_000) }
  const seen = new Map(CHANNELS.map(channel => [channel, [] as number[]]))
  const seenLeast = () => Math.min(...[...seen.values()].map(seqs => seqs.length))
  const kills: number[] = []
  for (const stopAt of [10, 60, LAST]) {
    const node = await startNode(directory)
    for (const [channel, seqs] of seen) {
      const { socket } = listen({ url: node.url, hub }, channel, { lastSeq: seqs.at(-1) ?? 0 })
      socket.on('message', data => {
        const message = JSON.parse(String(data)) as { type: string; seq: number }
        expect(message.type).toBe('event')
        seqs.push(message.seq)
      })
    }
    await eventually(() => seenLeast() >= stopAt, { what: `${stopAt} events of each channel` })
    await node.kill()
    kills.push(seenLeast())
  }
  for (const seqs of seen.values()) expect(seqs).toEqual(upTo(LAST))
  // Both kills were in the middle.
  expect(kills[1]).toBeLessThan(LAST)
})
