import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import {
  fixedBackoff,
  KafkaStreams,
  readLetter,
  serdes,
  StreamsBuilder,
  type AsyncCall,
  type RetryOptions,
} from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const RETRY: RetryOptions = { backoff: fixedBackoff({ delayMs: 1 }), attempts: 3 }

/** What comes of `bad` is rolled back below an operator whose calls are `call`. */
async function run(
  call: (value: string, about: AsyncCall, broker: Broker) => Promise<string>,
  retry: RetryOptions | undefined,
) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1, letters: 1 })
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', TEXT)
    .mapValuesAsync((value, _key, about) => call(value, about, broker), {
      name: 'charge',
      ...(retry && { retry }),
    })
    .peek(value => {
      if (value === 'bad') throw new RangeError('bad')
    })
    .to('out', TEXT)
  const streams = new KafkaStreams(
    builder.build(),
    {
      ...{ applicationId: 'app', stateDir: await temporaryDirectory(), commitIntervalMs: 20 },
      ...{ processingErrorHandler: () => 'rollback' as const, deadLetterQueueTopic: 'letters' },
    },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  const outputs = async () => (await readAll(broker, 'out')).map(({ value }) => textOf(value))
  return { broker, outputs }
}

async function untilCommitted(broker: Broker): Promise<void> {
  const admin = await broker.admin()
  const offset = async () => (await admin.groupOffsets('app', [{ topic: 'in', partition: 0 }])).get('in-0')
  await eventually(async () => (await offset()) !== undefined)
  await admin.close()
}

/** No source reads such an input again when its epoch is repeated. */
describe('an input of an asynchronous operator that was committed while it waited', () => {
  it.each([
    ['without retry', undefined],
    ['with retry', RETRY],
  ])('is left out after what comes of it was rolled back, %s', async (_name, retry) => {
    let calls = 0
    const { broker, outputs } = await run(async (value, _about, at) => {
      if (value === 'bad') calls += 1
      await untilCommitted(at)
      return value
    }, retry)
    await produce(broker, 'in', 1, [
      ['a', 'bad'],
      ['b', 'good'],
    ])
    await eventually(async () => (await outputs()).length === 1)
    await eventually(async () => (await readAll(broker, 'letters')).length > 0)
    expect(await outputs()).toEqual(['good'])
    expect((await readAll(broker, 'letters')).map(letter => readLetter(letter)?.id)).toEqual(['in-0-0'])
    expect(calls).toBeLessThan(5)
  })

  it('is left out also where its next call ends some commits later', async () => {
    let calls = 0
    const { broker, outputs } = await run(async (value, _about, at) => {
      if (value !== 'bad') return value
      calls += 1
      await untilCommitted(at)
      for (let round = 0; calls > 1 && round < 4; round += 1) {
        await produce(at, 'in', 1, [['b', `good${calls}-${round}`]])
        const isThere = async () => (await readAll(at, 'out')).length > round
        await eventually(isThere)
      }
      return value
    }, RETRY)
    await produce(broker, 'in', 1, [['a', 'bad']])
    await eventually(async () => (await readAll(broker, 'letters')).length > 0)
    expect(calls).toBe(2)
    expect(await outputs()).toHaveLength(4)
  })
})
