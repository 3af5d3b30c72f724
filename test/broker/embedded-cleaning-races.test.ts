import { expect, test } from 'vitest'
import type { EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Producer } from '../../lib/broker/broker.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { record, valueText } from '../conformance/broker/stage.ts'
import { createTopic, openForTest, readAll, temporaryDirectory } from './embedded-fixture.ts'

const CHUNKS = 6
/** So large that three of them fill a chunk, and what is left of three chunks is packed into one. */
const FILLER = 'x'.repeat(90_000)

/** Does something in the middle of whatever leaves the event loop free: before the turn that is chosen. */
class InterruptingClock implements Clock {
  turns = 0
  #interruption: { readonly turn: number; readonly act: () => Promise<void> } | undefined
  readonly nowMs = systemClock.nowMs
  readonly monotonicMs = systemClock.monotonicMs
  readonly schedule = systemClock.schedule
  readonly sleep = systemClock.sleep

  interrupt(turn: number, act: () => Promise<void>): void {
    this.turns = 0
    this.#interruption = { turn, act }
  }

  async nextTurn(): Promise<void> {
    this.turns += 1
    const { turn, act } = this.#interruption ?? {}
    if (turn === this.turns) await act?.()
    await systemClock.nextTurn()
  }
}

/** Each chunk: a record that stays, an aborted one, and one of a key that each later chunk has again. */
async function fill(broker: EmbeddedBroker): Promise<void> {
  const producer = await broker.producer({ clientId: 'p', transactionalId: 'tx' })
  await producer.initTransactions()
  for (let index = 0; index < CHUNKS; index += 1) {
    await inTransaction(producer, 'kept', `only-${index}`)
    await inTransaction(producer, 'aborted', `only-${index}`)
    await inTransaction(producer, 'replaced', 'again')
  }
  await inTransaction(producer, 'kept', 'again')
  await producer.close()
}

async function inTransaction(producer: Producer, what: string, key: string): Promise<void> {
  await producer.begin()
  producer.send(record('t', `${what} ${key} ${FILLER}`, { key: utf8(key) }))
  await producer.flush()
  if (what === 'aborted') await producer.abortTransaction()
  else await producer.commitTransaction()
}

async function visible(broker: EmbeddedBroker): Promise<string[]> {
  const records = await readAll(broker, 't')
  return records.map(each => `${each.offset} ${valueText(each)?.slice(0, -FILLER.length - 1)}`)
}

/**
 * What compaction leaves, from the offset on. Each transaction takes an offset for its record and one for its
 * marker.
 */
function compacted(startOffset: number): string[] {
  const only = Array.from({ length: CHUNKS }, (_, index) => ({
    offset: index * 6,
    text: `kept only-${index}`,
  }))
  return [...only, { offset: CHUNKS * 6, text: 'kept again' }]
    .filter(({ offset }) => offset >= startOffset)
    .map(({ offset, text }) => `${offset} ${text}`)
}

/** In the first chunk, at its end, in the next ones, and in the middle of the second pack. */
test.each([
  { where: 'memory', starts: [3, 6, 8, 13, 20, 27] },
  { where: 'directory', starts: [6, 20] },
])(
  'compaction: records that are deleted under it at any moment bring no aborted ones back ($where)',
  async ({ where, starts }) => {
    for (const startOffset of starts) {
      for (let turn = 1, isOver = false; !isOver; turn += 1) {
        const clock = new InterruptingClock()
        const directory = where === 'directory' ? { directory: await temporaryDirectory() } : {}
        const broker = await openForTest({ clock, ...directory })
        const admin = await broker.admin()
        await createTopic(broker, 't', { 'cleanup.policy': 'compact' })
        await fill(broker)

        clock.interrupt(turn, () => admin.deleteRecords([{ topic: 't', partition: 0, offset: startOffset }]))
        await broker.compact('t')
        isOver = clock.turns < turn
        const label = `from ${startOffset} on, at turn ${turn}`
        const shown = await visible(broker)
        expect(
          shown.filter(each => each.includes('aborted')),
          label,
        ).toEqual([])
        expect(shown, label).toEqual(compacted(isOver ? 0 : startOffset))
        await broker.close()
      }
    }
  },
)
