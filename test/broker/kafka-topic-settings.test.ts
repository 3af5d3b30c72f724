import { expect, test } from 'vitest'
import { ByteReader } from '../../lib/broker/kafka/protocol/byte-reader.ts'
import { ByteWriter } from '../../lib/broker/kafka/protocol/byte-writer.ts'
import type { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { topicSettings } from '../../lib/broker/kafka/client/connection/topic-settings.ts'

interface Answer {
  readonly topic: string
  readonly errorCode?: number
  readonly settings?: { readonly [name: string]: string | null }
}

/** A cluster that gives this answer, and keeps what it was asked. */
function cluster(version: number, answers: readonly Answer[], asked: Buffer[] = []): Cluster {
  const isFlexible = version >= 4
  const ask: Cluster['ask'] = async (_api, write, read) => {
    const question = new ByteWriter(isFlexible)
    write(question, version)
    asked.push(Buffer.from(question.finish()))
    const writer = new ByteWriter(isFlexible)
    writer.int32(0).array(answers.length)
    for (const { topic, errorCode = 0, settings = {} } of answers) {
      const entries = Object.entries(settings)
      writer.int16(errorCode).string(errorCode ? 'no' : null)
      writer.int8(2).string(topic).array(entries.length)
      for (const [name, value] of entries) {
        writer.string(name).string(value).boolean(false).int8(5).boolean(false).array(1)
        writer.string('of the broker').string(null).int8(5).noTags()
        if (version >= 3) writer.int8(2).string(null)
        writer.noTags()
      }
      writer.noTags()
    }
    writer.noTags()
    return read(new ByteReader(Buffer.from(writer.finish()), 0, isFlexible), version)
  }
  return { ask } as Cluster
}

test.each([1, 4])(
  'settings of topics (version %i): those that may not be described, or are not there, are absent',
  async version => {
    const answers = [
      { topic: 'a', settings: { 'delete.retention.ms': '5', 'retention.ms': null } },
      { topic: 'refused', errorCode: 29 },
      { topic: 'gone', errorCode: 3 },
      { topic: 'b', settings: {} },
    ]
    const asked: Buffer[] = []
    const found = await topicSettings(
      cluster(version, answers, asked),
      ['a', 'refused', 'gone', 'b'],
      ['delete.retention.ms'],
    )
    expect([...found].map(([topic, settings]) => [topic, [...settings]])).toEqual([
      ['a', [['delete.retention.ms', '5']]],
      ['b', []],
    ])
    expect(asked[0]?.toString('latin1')).toContain('delete.retention.ms')
  },
)

test('settings of topics: any other refusal is an error that names the topic', async () => {
  const asking = topicSettings(cluster(4, [{ topic: 'a', errorCode: 31 }]), ['a'], ['x'])
  await expect(asking).rejects.toThrow(/settings of topic a/)
})
