import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { ControlClient, EARLIEST, LATEST } from '../../lib/broker/kafka/native/control-client.ts'
import type { NativeAdmin, NativePartition } from '../../lib/broker/kafka/native/native-client.ts'
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
  const control = new ControlClient({
    native: native as unknown as NativeAdmin,
    clock: fastClock(20),
    release: async () => undefined,
  })
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

describe('a call that fails with an error that passes', () => {
  const refused = new BrokerError('SASL_AUTHENTICATION_FAILED', 'authentication', 'the password is wrong')
  /** Whatever is asked fails with this code of the client's, and what is found out about it is `refused`. */
  const failing = (code: number) => {
    const native = {
      listTopics: (_options: unknown, callback: (error: Error) => void) =>
        callback(Object.assign(new Error('failed'), { code })),
    }
    const explained: string[] = []
    const control = new ControlClient({
      native: native as unknown as NativeAdmin,
      clock: fastClock(20),
      release: async () => undefined,
      explain: async error => {
        explained.push(error.code)
        return refused
      },
    })
    const ask = () =>
      control.call('listing topics', (admin, callback) => admin.listTopics({ timeout: 1 }, callback))
    return { ask, explained }
  }

  it.each([
    [-185, 'REQUEST_TIMED_OUT'],
    [-187, 'BROKER_UNREACHABLE'],
    [-195, 'BROKER_UNREACHABLE'],
  ])('is told as what is behind it (%i)', async (code, name) => {
    const { ask, explained } = failing(code)
    await expect(ask()).rejects.toBe(refused)
    await expect(ask()).rejects.toBe(refused)
    expect(explained).toEqual([name, name])
  })

  it('is no question where the error is clear', async () => {
    const { ask, explained } = failing(29)
    await expect(ask()).rejects.toMatchObject({ class: 'authorization' })
    expect(explained).toEqual([])
  })
})
