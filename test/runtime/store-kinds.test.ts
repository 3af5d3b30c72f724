import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StateStore, StoreBuilder } from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const window = { windowSizeMs: 10, retentionMs: 86_400_000 }

type Build = (name: string) => StoreBuilder

const KINDS: { readonly [kind: string]: Build } = {
  'key-value store': name => stores.keyValueStore({ name, ...strings }),
  'timestamped key-value store': name => stores.timestampedKeyValueStore({ name, ...strings }),
  'versioned key-value store': name =>
    stores.versionedKeyValueStore({ name, ...strings, historyRetentionMs: 86_400_000 }),
  'window store': name => stores.windowStore({ name, ...strings, ...window }),
  'timestamped window store': name => stores.timestampedWindowStore({ name, ...strings, ...window }),
  'window store with duplicates': name =>
    stores.windowStore({ name, ...strings, ...window, retainDuplicates: true }),
  'session store': name => stores.sessionStore({ name, ...strings, retentionMs: 86_400_000 }),
}

/** A processor that has the store. */
function using(builder: StoreBuilder) {
  const topology = new StreamsBuilder()
  topology
    .addStateStore(builder)
    .stream('in', strings)
    .process<string, string>(
      () => {
        let context: ProcessorContext<string, string>
        return {
          init(given) {
            context = given
            context.getStateStore<StateStore>(builder.name)
          },
          process: record => context.forward(record),
        }
      },
      { stores: [builder.name] },
    )
    .to('out', strings)
  return topology.build()
}

interface Place {
  readonly broker: Broker
  readonly stateDir: string
}

async function place(): Promise<Place> {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1, table: 1 })
  return { broker, stateDir: await temporaryDirectory() }
}

/** One run of an application: ends when a record went through it, or with its error. */
async function run(
  { broker, stateDir }: Place,
  topology: ReturnType<typeof using>,
): Promise<Error | undefined> {
  const config = { applicationId: 'app', stateDir, commitIntervalMs: 10 }
  const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
  try {
    const before = (await readAll(broker, 'out')).length
    await streams.start()
    await produce(broker, 'in', 1, [['key', 'value']])
    await eventually(
      async () => streams.error !== undefined || (await readAll(broker, 'out')).length > before,
    )
    return streams.error
  } catch (error) {
    return error as Error
  } finally {
    await streams.close()
  }
}

describe('the kind of a store on disk', () => {
  const names = Object.keys(KINDS)

  it.each(names.map((kind, i) => [kind, names[(i + 1) % names.length]!] as const))(
    'a %s cannot be a %s after a restart',
    async (before, after) => {
      const here = await place()
      expect(await run(here, using(KINDS[before]!('kept')))).toBeUndefined()
      const error = await run(here, using(KINDS[after]!('kept')))
      expect(error).toMatchObject({ code: 'STORE_KIND_CHANGED' })
      expect(error?.message).toContain(`store "kept" is a ${after} in this topology`)
      expect(error?.message).toContain(`is a ${before}: `)
      for (const mend of ['another name', 'another applicationId', 'cleanUp()', '"app-kept-changelog"'])
        expect(error?.message).toContain(mend)
      // Nothing was changed: as it was, it goes on; and under another name the other kind does.
      expect(await run(here, using(KINDS[before]!('kept')))).toBeUndefined()
      expect(await run(here, using(KINDS[after]!('other')))).toBeUndefined()
    },
  )

  it('counts for stores of operators: a count that becomes a windowed one', async () => {
    const counted = (windowed: boolean) => {
      const builder = new StreamsBuilder()
      const stream = builder.stream('in', strings)
      stream.to('out', strings)
      const group = stream.groupByKey()
      if (windowed) group.windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 })).count({ storeName: 'counts' })
      else group.count({ storeName: 'counts' })
      return builder.build()
    }
    const here = await place()
    expect(await run(here, counted(false))).toBeUndefined()
    const error = await run(here, counted(true))
    expect(error).toMatchObject({ code: 'STORE_KIND_CHANGED' })
    expect(error?.message).toContain('"counts" is a timestamped window store')
    expect(error?.message).toContain('is a timestamped key-value store: ')
  })

  it('counts for global stores', async () => {
    const global = (builder: StoreBuilder) => {
      const topology = new StreamsBuilder()
      topology.addGlobalStore(builder, 'table', () => ({ process: () => undefined }), strings)
      topology.stream('in', strings).to('out', strings)
      return topology.build()
    }
    const here = await place()
    const withoutLog = { name: 'global', ...strings, logging: false } as const
    expect(await run(here, global(stores.keyValueStore(withoutLog)))).toBeUndefined()
    const error = await run(here, global(stores.timestampedKeyValueStore(withoutLog)))
    expect(error).toMatchObject({
      code: 'STORE_KIND_CHANGED',
      message: expect.stringContaining('"global"') as unknown,
    })
  })

  it('stays known when the store is left out for a while', async () => {
    const here = await place()
    expect(await run(here, using(KINDS['window store']!('kept')))).toBeUndefined()
    expect(await run(here, using(KINDS['key-value store']!('other')))).toBeUndefined()
    const error = await run(here, using(KINDS['session store']!('kept')))
    expect(error).toMatchObject({ code: 'STORE_KIND_CHANGED' })
  })
})
