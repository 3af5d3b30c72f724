import { expect, test } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { describeTopics } from '../../lib/broker/kafka/client/connection/describe-topics.ts'
import type { TopicMetadata } from '../../lib/broker/kafka/protocol/metadata.ts'
import { fastClock } from '../support/fast-clock.ts'

const UNREACHABLE = new BrokerError('BROKER_UNREACHABLE', 'retriable', 'the connection broke')
const REFUSED = new BrokerError('SASL_AUTHENTICATION_FAILED', 'authentication', 'the password is wrong')

function topic(name: string, errorCode = 0): TopicMetadata {
  return { topic: name, errorCode, topicId: undefined, partitions: new Map() }
}

/** Each question gets the next of these answers, and the last one from then on. */
function answering(...answers: (readonly TopicMetadata[] | BrokerError)[]) {
  let asked = 0
  const describe = async () => {
    const answer = answers[Math.min(asked, answers.length - 1)]!
    asked += 1
    if (answer instanceof BrokerError) throw answer
    return answer
  }
  const ask = () => describeTopics({ describe } as unknown as Cluster, fastClock(100), ['a', 'b'])
  return { ask, asked: () => asked }
}

test('brokers that go away are asked again, and what none of them knows is left out', async () => {
  const { ask, asked } = answering(UNREACHABLE, UNREACHABLE, [topic('a'), topic('b', 3)])
  expect((await ask()).map(each => each.topic)).toEqual(['a'])
  expect(asked()).toBe(3)
})

test('a topic whose leaders are not elected yet is there', async () => {
  const { ask } = answering([topic('a', 5)])
  expect((await ask()).map(each => each.topic)).toEqual(['a'])
})

test('where none answers it ends, with the error that passes', async () => {
  const { ask, asked } = answering(UNREACHABLE)
  await expect(ask()).rejects.toBe(UNREACHABLE)
  expect(asked()).toBeGreaterThan(2)
})

test('a refusal is told at once', async () => {
  const { ask, asked } = answering(REFUSED)
  await expect(ask()).rejects.toBe(REFUSED)
  expect(asked()).toBe(1)
})

test('what is wrong with a topic is told by its name', async () => {
  const { ask } = answering([topic('a'), topic('b', 29)])
  await expect(ask()).rejects.toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' })
  await expect(ask()).rejects.toThrow('describing topic b')
})
