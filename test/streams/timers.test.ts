import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import { Record } from '../../lib/processor/record.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { Timers } from '../../lib/store/contract/timer-store.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const timers = stores.timers<string>({ name: 'timers', keySerde: serdes.string() })
/** A time in the past. */
const DUE_MS = 1_000
const FAR_MS = 253_402_300_799_999

interface Callbacks {
  /** After the firing was forwarded. */
  readonly onFired?: () => void
  /** After a timer was set. */
  readonly onSet?: (value: string) => void
}

function topology({ onFired, onSet }: Callbacks) {
  const processor = (): Processor<string, string, string, string> => {
    let own: Timers<string>
    return {
      init: context => {
        own = context.timers(timers, (key, atMs) => {
          context.forward(new Record(key, 'fired', atMs))
          onFired?.()
        })
      },
      process: ({ key, value }) => {
        own.set(key, value === 'far' ? FAR_MS : DUE_MS)
        onSet?.(value)
      },
    }
  }
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .process({ get: processor, stores: [timers] })
    .to('out', text)
  return builder.build()
}

async function started(callbacks: Callbacks, config: Partial<StreamsConfig>) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const streams = new KafkaStreams(
    topology(callbacks),
    { applicationId: 'app', stateDir: await temporaryDirectory(), commitIntervalMs: 5, ...config },
    { broker, logger: silentLogger, onUncaughtError: () => 'replace-thread' },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  const fired = async () => (await readAll(broker, 'out')).map(({ key }) => textOf(key))
  return { broker, streams, fired }
}

/** Resolves with what has fired by the time that the timer of a last key has. */
async function firedWithLast({ broker, fired }: Awaited<ReturnType<typeof started>>) {
  await produce(broker, 'in', 1, [['last', 'x']])
  return eventually(async () => {
    const keys = await fired()
    return keys.includes('last') ? keys : undefined
  })
}

it.each<ProcessingGuarantee>(['exactly-once', 'at-least-once'])(
  'a timer whose handler has failed fires again in the thread that comes after (%s)',
  async processingGuarantee => {
    let calls = 0
    const onFired = () => {
      calls += 1
      if (calls <= 2) throw new Error('of the handler')
    }
    const app = await started({ onFired }, { processingGuarantee })
    await produce(app.broker, 'in', 1, [['a', 'x']])
    await eventually(async () => (await app.fired()).includes('a') && calls >= 3)
    const fired = await firedWithLast(app)
    if (processingGuarantee === 'exactly-once') expect(fired).toEqual(['a', 'last'])
  },
)

it('an abort takes back what was set and fired in its transaction', async () => {
  let undone = 0
  const onSet = (value: string) => {
    if (value === 'bad') throw new Error('undo')
  }
  const config = { processingErrorHandler: () => ((undone += 1), 'rollback' as const) }
  const app = await started({ onSet }, config)
  await produce(app.broker, 'in', 1, [
    ['a', 'x'],
    ['never', 'bad'],
    ['b', 'x'],
  ])
  await eventually(async () => (await app.fired()).length >= 2)
  expect(await firedWithLast(app)).toEqual(['a', 'b', 'last'])
  expect(undone).toBe(1)
})

it('tells changes of its timers, and refuses to be read', async () => {
  const { broker, streams } = await started({}, { metricsRecordingLevel: 'debug' })
  const seen: unknown[] = []
  streams.changes<string, number>('timers').subscribe(({ key, value }) => seen.push([key, value]))
  await produce(broker, 'in', 1, [['a', 'far']])
  await eventually(() => expect(seen).toEqual([['a', FAR_MS]]))
  expect(streams.describeStore('timers').kind).toBe('timer store')
  await eventually(() => expect(streams.metrics.total('timers-pending')).toBe(1))
  const read = async () => {
    await Promise.resolve()
    return streams.store<string, number>('timers').get('a')
  }
  await expect(read()).rejects.toMatchObject({ code: 'STORE_NOT_READABLE' })
})
