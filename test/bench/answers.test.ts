import { describe, expect, it, onTestFinished } from 'vitest'
import { firstDifference, isSame, readAnswer, type AnswerKind } from '../../bench/compare/answers.ts'
import { PARTITIONS } from '../../bench/input.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { createTopics, produce, type Pair } from '../support/topics.ts'

async function brokerWith(topics: { readonly [topic: string]: readonly Pair[] }): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, Object.fromEntries(Object.keys(topics).map(topic => [topic, PARTITIONS])))
  for (const [topic, pairs] of Object.entries(topics)) await produce(broker, topic, PARTITIONS, pairs)
  return broker
}

async function compared(kind: AnswerKind, left: readonly Pair[], right: readonly Pair[]): Promise<string> {
  const broker = await brokerWith({ left, right })
  const [mine, theirs] = [await readAnswer(broker, 'left', kind), await readAnswer(broker, 'right', kind)]
  return isSame(mine, theirs) ? 'same' : firstDifference(broker, mine, theirs)
}

describe('answers', () => {
  it('records: the same in another order', async () => {
    const pairs: Pair[] = Array.from({ length: 50 }, (_, at) => [`k${at % 7}`, `v${at}`])
    expect(await compared('records', pairs, pairs.toReversed())).toBe('same')
  })

  it('records: one of two equal ones is missing', async () => {
    const difference = await compared(
      'records',
      [
        ['a', '1'],
        ['a', '1'],
      ],
      [['a', '1']],
    )
    expect(difference).toMatch(/^partition \d, key "a": "1 \| 1" in left, "1" in right$/)
  })

  it('records: two keys have each other’s values', async () => {
    const difference = await compared(
      'records',
      [
        ['a', '1'],
        ['b', '2'],
      ],
      [
        ['a', '2'],
        ['b', '1'],
      ],
    )
    expect(difference).toMatch(/key "[ab]": "[12]" in left, "[12]" in right/)
  })

  it('table: only the last value of a key counts, and a deleted key is none', async () => {
    const left: Pair[] = [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['b', null],
    ]
    expect(await compared('table', left, [['a', '2']])).toBe('same')
    expect(await compared('table', left, [['a', '3']])).toMatch(/key "a": "2" in left, "3" in right/)
    expect(
      await compared('table', left, [
        ['a', '2'],
        ['c', '\u0001'],
      ]),
    ).toMatch(/key "c": nothing in left, 0x01 in right/)
  })
})
