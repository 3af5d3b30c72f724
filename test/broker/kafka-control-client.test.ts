import { expect, it } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { ControlClient, EARLIEST, LATEST } from '../../lib/broker/kafka/control-client.ts'
import type { NativeAdmin, NativePartition } from '../../lib/broker/kafka/native-client.ts'
import { fastClock } from '../support/fast-clock.ts'

const PLACES = [0, 1].map(partition => ({ topic: 'changelog', partition }))
/** What the native client gives where a leader's connection breaks: an offset that is none, and no error. */
const INVALID = -1001

/** Answers each question with the next of these offsets, and the last one from then on. */
function answering(...rounds: (readonly number[])[]) {
  const asked: number[] = []
  const native = {
    listOffsets(
      questions: readonly {
        readonly topic: string
        readonly partition: number
        readonly offset: { readonly timestamp: number }
      }[],
      _options: unknown,
      callback: (error: null, answers: readonly NativePartition[]) => void,
    ) {
      asked.push(questions[0]!.offset.timestamp)
      const offsets = rounds[Math.min(asked.length, rounds.length) - 1]!
      callback(
        null,
        questions.map(({ topic, partition }, at) => ({ topic, partition, offset: offsets[at]! })),
      )
    },
    listTopics: (_options: unknown, callback: (error: null, topics: readonly string[]) => void) =>
      callback(null, []),
  }
  const control = new ControlClient(native as unknown as NativeAdmin, fastClock(20), async () => undefined)
  return { control, asked }
}

it.each([
  ['end', LATEST],
  ['beginning', EARLIEST],
])('the %s of a partition whose leader has not answered is asked again', async (_, timestamp) => {
  const { control, asked } = answering([7, INVALID], [INVALID, 9], [7, 9])
  const offsets = await control.listOffsets(PLACES, timestamp, 'read_uncommitted')
  expect(offsets.map(({ offset, error }) => error ?? offset)).toEqual([7, 9])
  expect(asked).toHaveLength(3)
})

it('is an error that passes where no answer comes, and never an offset', async () => {
  const { control } = answering([7, INVALID])
  const [first, second] = await control.listOffsets(PLACES, LATEST, 'read_uncommitted')
  expect(first).toMatchObject({ offset: 7, error: undefined })
  expect(second?.error).toBeInstanceOf(BrokerError)
  expect(second?.error).toMatchObject({
    code: 'OFFSET_NOT_AVAILABLE',
    class: 'retriable',
    partitions: [PLACES[1]],
  })
})
