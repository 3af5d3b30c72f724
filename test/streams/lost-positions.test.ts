import { expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import type { Logger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const VALUES = ['0', '1', '2', '3', '4']
const PLACE = { topic: 'in', partition: 0 }

it.each([
  {
    logTruncated: 'diverging-offset',
    divergingOffset: 2,
    again: ['2', '3', '4'],
    by: 'at 2 by logTruncated',
  },
  { logTruncated: 'offset-reset', divergingOffset: 2, again: VALUES, by: 'at 0 by the reset policy' },
  {
    logTruncated: 'diverging-offset',
    divergingOffset: undefined,
    again: VALUES,
    by: 'at 0 by the reset policy',
  },
] as const)(
  'a log that was cut is read on by logTruncated $logTruncated, where the broker names $divergingOffset',
  async ({ logTruncated, divergingOffset, again, by }) => {
    const stage = await openStage({ logTruncated })
    await stage.streams.start()
    await eventually(async () => expect(await stage.outputs()).toEqual(VALUES), { what: 'the outputs' })

    stage.failNextPoll([{ ...PLACE, ...(divergingOffset === undefined ? {} : { divergingOffset }) }])
    await eventually(async () => expect(await stage.outputs()).toEqual([...VALUES, ...again]), {
      what: 'the outputs after the cut',
    })
    expect(stage.lines.filter(line => line.includes(by))).toHaveLength(1)
    expect(stage.streams.state).toBe('running')
  },
)

it('a log that was cut ends the application where offsetReset is none and nothing else is said', async () => {
  const stage = await openStage({ offsetReset: 'none' })
  await stage.commit(0)
  await stage.streams.start()
  await eventually(async () => expect(await stage.outputs()).toEqual(VALUES), { what: 'the outputs' })

  stage.failNextPoll([{ ...PLACE, divergingOffset: 2 }])
  await eventually(() => expect(stage.streams.state).toBe('error'), { what: 'the end' })
  expect(stage.streams.error).toMatchObject({
    code: 'NO_OFFSET',
    message: expect.stringContaining('is no longer there'),
  })
  expect(stage.streams.error?.message).toContain('in-0')
})

it('a lost position of no partition is not taken for mended: the group is joined again', async () => {
  const stage = await openStage({})
  stage.failEveryPollOfTheFirst()
  await stage.streams.start()

  await eventually(async () => expect(await stage.outputs()).toEqual(VALUES), { what: 'the outputs' })
  expect(stage.membersOpened()).toBe(2)
})

async function openStage(config: Partial<StreamsConfig>) {
  const memory = await openBroker('memory')
  onTestFinished(() => memory.close())
  await createTopics(memory, { in: 1, out: 1 })
  await produce(
    memory,
    'in',
    1,
    VALUES.map(value => ['k', value]),
  )
  let next: BrokerError | undefined
  let failsFirst = false
  let members = 0
  const broker: Broker = {
    name: memory.name,
    producer: options => memory.producer(options),
    admin: () => memory.admin(),
    close: () => memory.close(),
    consumer: async options => {
      const consumer = await memory.consumer(options)
      if (!options.group) return consumer
      members += 1
      const isFirst = members === 1
      const poll = consumer.poll.bind(consumer)
      consumer.poll = max => {
        if (isFirst && failsFirst && consumer.owned().length > 0) throw lost([])
        const error = next
        next = undefined
        if (error) throw error
        return poll(max)
      }
      return consumer
    },
  }
  const lines: string[] = []
  const logger: Logger = { log: (_level, message) => void lines.push(message) }
  const settings = {
    applicationId: 'app',
    commitIntervalMs: 10,
    ...config,
    stateDir: await temporaryDirectory(),
  }
  const streams = new KafkaStreams(copy(), settings, { broker, logger })
  onTestFinished(() => streams.close())
  return {
    streams,
    lines,
    failNextPoll: (partitions: BrokerError['partitions']) => void (next = lost(partitions)),
    failEveryPollOfTheFirst: () => void (failsFirst = true),
    membersOpened: () => members,
    outputs: async () => (await readAll(memory, 'out')).map(({ value }) => textOf(value)),
    commit: async (offset: number) => {
      const group = await memory.consumer({
        clientId: 'test',
        isolation: 'read_committed',
        group: { groupId: 'app' },
      })
      await group.commit([{ ...PLACE, offset }])
      await group.close()
    },
  }
}

function lost(partitions: BrokerError['partitions']): BrokerError {
  return new BrokerError('OFFSET_OUT_OF_RANGE', 'fatal', 'the log was cut', { partitions })
}

function copy() {
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const builder = new StreamsBuilder()
  builder.stream('in', text).to('out', text)
  return builder.build()
}
