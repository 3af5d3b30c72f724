import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { listen, memoryBroker, openNode, story, tell, upTo, type Node } from './fixture.ts'

/** Of browsers; 1,000 with `MILLRACE_PUSH_CLIENTS=1000 npx vitest run test/push/drops.test.ts`. */
const CLIENTS = Number(process.env['MILLRACE_PUSH_CLIENTS'] ?? 40)
const CHANNELS = 20
const DROPS = 5
const STEPS = 58
const LAST = STEPS + 2

/**
 * A browser that loses its socket now and then, with what was under way, and comes back to any node with what
 * it has seen.
 */
async function browse(nodes: readonly Node[], channel: string, random: SeededRandom): Promise<number[]> {
  const seen: number[] = []
  const drops = Array.from({ length: DROPS }, () => random.below(LAST)).sort((left, right) => left - right)
  for (const stopAt of [...drops, LAST]) {
    const listener = listen(random.pick(nodes), channel, { lastSeq: seen.at(-1) ?? 0 })
    const wanted = stopAt - seen.length
    await eventually(() => listener.seqs.length >= wanted, { what: `${channel}: ${stopAt} of ${LAST}` })
    expect(listener.messages.every(({ type }) => type === 'event')).toBe(true)
    seen.push(...listener.seqs.slice(0, wanted))
    listener.socket.terminate()
  }
  return seen
}

test(`${CLIENTS} browsers that drop ${DROPS} times each see every event once, in order, up to the end`, async () => {
  const broker = await memoryBroker()
  const nodes = [await openNode(broker), await openNode(broker)]
  const random = new SeededRandom(18)
  const browsing = Promise.all(
    Array.from({ length: CLIENTS }, (_, at) =>
      browse(nodes, `c${at % CHANNELS}`, new SeededRandom(random.below(2 ** 31))),
    ),
  )
  const stories = Array.from({ length: CHANNELS }, (_, at) => story(`c${at}`, STEPS))
  for (let step = 0; step < LAST; step += 1)
    await tell(
      broker,
      stories.map(events => events[step]!),
    )
  for (const seen of await browsing) expect(seen).toEqual(upTo(LAST))
  const opened = nodes.reduce(
    (sum, { streams }) => sum + streams.metrics.total('push-resume-ranges-total'),
    0,
  )
  expect(opened).toBeGreaterThan(CLIENTS)
})
