import { describe, expect, test } from 'vitest'
import type { BrokerErrorClass } from '../../lib/broker/broker-error.ts'
import { brokerErrorFrom } from '../../lib/broker/kafka/native/classify-error.ts'
import type { NativeError } from '../../lib/broker/kafka/native/native-client.ts'

type Flags = Partial<Pick<NativeError, 'isFatal' | 'isRetriable' | 'isTxnRequiresAbort'>>

const CASES: readonly (readonly [what: string, code: number, flags: Flags, expected: BrokerErrorClass])[] = [
  ['a fenced producer, told as fatal', -144, { isFatal: true }, 'fenced'],
  ['a fenced producer, told as abortable by AddOffsetsToTxn', -144, { isTxnRequiresAbort: true }, 'fenced'],
  ['an old epoch in a delivery report', 47, {}, 'fenced'],
  ['produce on a producer that is finished', -150, {}, 'fenced'],
  ['an evicted member in a transaction', 25, { isTxnRequiresAbort: true }, 'task-migrated'],
  ['an old generation in a commit', 22, {}, 'task-migrated'],
  ['an old generation in a transaction', 22, { isTxnRequiresAbort: true }, 'task-migrated'],
  ['a fenced static member', 82, { isTxnRequiresAbort: true }, 'task-migrated'],
  ['a fenced member epoch', 110, {}, 'task-migrated'],
  ['a member epoch that is one behind', 113, {}, 'retriable'],
  ['a rebalance under way', 27, {}, 'retriable'],
  ['undecided offsets', 88, {}, 'retriable'],
  ['a commit that timed out', -185, { isRetriable: true }, 'retriable'],
  ['a broken connection', -195, {}, 'retriable'],
  ['a record too large', 10, {}, 'record-refused'],
  ['a record too large, in a transaction', 10, { isTxnRequiresAbort: true }, 'record-refused'],
  ['a record with a timestamp that is not taken', 32, { isTxnRequiresAbort: true }, 'record-refused'],
  ['a record without a key on a compacted topic', 87, { isTxnRequiresAbort: true }, 'record-refused'],
  ['a code that the table leaves to the JVM client', 78, {}, 'retriable'],
  ['a record out of sequence', 45, { isFatal: true }, 'fatal'],
  ['a record that timed out', -192, {}, 'abortable'],
  ['an unknown partition', -190, {}, 'topic-missing'],
  ['produce in a transaction that failed', -172, {}, 'abortable'],
  ['a missing right, told as fatal', 31, { isFatal: true }, 'authorization'],
  ['refused credentials', -169, {}, 'authentication'],
  ['an offset out of range', -140, {}, 'fatal'],
  ['an unheard-of code', 9999, {}, 'fatal'],
  ['an unheard-of code that may be tried again', 9999, { isRetriable: true }, 'retriable'],
  ['an unheard-of code that ends the transaction', 9999, { isTxnRequiresAbort: true }, 'abortable'],
]

describe('classification of native errors', () => {
  test.each(CASES)('%s (%i)', (what, code, flags, expected) => {
    const native: NativeError = Object.assign(new Error(what), { code, ...flags })
    const error = brokerErrorFrom(native, 'testing', [{ topic: 't', partition: 1 }])
    expect(error.class).toBe(expected)
    expect(error.cause).toBe(native)
    expect(error.partitions).toEqual([{ topic: 't', partition: 1 }])
    expect(error.message).toContain(what)
  })

  test('codes are names of the protocol where there is one', () => {
    const named = (code: number) => brokerErrorFrom(Object.assign(new Error('x'), { code }), 'testing').code
    expect([36, 68, 3, -188, -140, 88, 22].map(named)).toEqual([
      'TOPIC_ALREADY_EXISTS',
      'NON_EMPTY_GROUP',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'OFFSET_OUT_OF_RANGE',
      'UNSTABLE_OFFSET_COMMIT',
      'ILLEGAL_GENERATION',
    ])
    expect([-1, 42, 107, 120].map(named)).toEqual([
      'UNKNOWN_SERVER_ERROR',
      'INVALID_REQUEST',
      'INELIGIBLE_REPLICA',
      'TRANSACTION_ABORTABLE',
    ])
    expect(named(9999)).toBe('KAFKA_9999')
  })
})
