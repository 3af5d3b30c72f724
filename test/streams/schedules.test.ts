import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import {
  KafkaStreams,
  serdes,
  silentLogger,
  stores,
  StreamsBuilder,
  type Firing,
  type Processor,
  type ProcessorContext,
  type Record,
  type ScheduleOptions,
  type ScheduleRequest,
  type Topology,
} from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const HOUR_MS = 3_600_000
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const json = { keySerde: serdes.string(), valueSerde: serdes.json<Firing>() }

function scheduled(options: ScheduleOptions | undefined): Topology {
  const builder = new StreamsBuilder()
  if (options) builder.schedule('tick', options).to('out', json)
  builder.schedules({ to: { mails: { topic: 'mails', ...text } }, partitionCount: 2 })
  return builder.build()
}

async function stage() {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 3, out: 1, mails: 1 })
  const stateDir = await temporaryDirectory()
  const start = (topology: Topology, id = 'one') => started(broker, topology, `${stateDir}/${id}`)
  const fired = async () =>
    (await readAll(broker, 'out')).map(each => JSON.parse(textOf(each.value) ?? '') as Firing)
  const mails = async () => (await readAll(broker, 'mails')).map(({ value }) => textOf(value))
  return { broker, start, fired, mails }
}

async function started(broker: Broker, topology: Topology, stateDir: string) {
  const config = { applicationId: 'app', stateDir, commitIntervalMs: 10 }
  const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

const taken = (streams: KafkaStreams, id: string) =>
  eventually(async () => {
    const found = await streams.schedules().get(id)
    return found?.isTaken ? found : undefined
  })

const sharedStore = stores.keyValueStore({ name: 'shared', ...text })

class PassOn implements Processor<string, Firing, string, Firing> {
  #context!: ProcessorContext<string, Firing>

  init(context: ProcessorContext<string, Firing>): void {
    this.#context = context
  }

  process(record: Record<string, Firing>): void {
    this.#context.forward(record)
  }
}

const mail = (value: string): ScheduleRequest['to'] => ({ sink: 'mails', key: 'k', value })

describe('schedules of a running application', () => {
  it('of the code keep their next time through restarts, and lose it with a change', async () => {
    const { start } = await stage()
    const far = { everyMs: HOUR_MS, startMs: Date.now() + 10 * HOUR_MS }
    const first = await start(scheduled({ everyMs: 7 * HOUR_MS }))
    const { nextMs } = await taken(first, 'tick')
    await first.close()
    for (let runs = 0; runs < 3; runs += 1) {
      const again = await start(scheduled({ everyMs: 7 * HOUR_MS }))
      expect((await taken(again, 'tick')).nextMs).toBe(nextMs)
      await again.close()
    }
    const changed = await start(scheduled(far))
    expect((await taken(changed, 'tick')).nextMs).toBe(far.startMs)
    await changed.close()
  })

  it('of the code that have fired for the last time do not fire again, however often the application starts', async () => {
    const { start, fired, mails } = await stage()
    const once = { at: Date.now() - 1_000 }
    for (let runs = 1; runs <= 4; runs += 1) {
      const streams = await start(scheduled(once))
      await streams.schedules().put(`probe-${runs}`, { at: Date.now() + 50, to: mail(`${runs}`) })
      await eventually(async () => (await mails()).length === runs && (await fired()).length > 0)
      await streams.close()
    }
    expect((await fired()).map(({ nominalMs }) => nominalMs)).toEqual([once.at])
  })

  it('that are removed from the code do not fire', async () => {
    const { start, fired, mails } = await stage()
    const first = await start(scheduled({ everyMs: 100 }))
    await eventually(async () => (await fired()).length > 0)
    await first.close()
    const before = await fired()
    const without = await start(scheduled(undefined))
    await without.schedules().put('later', { at: Date.now() + 300, to: mail('later') })
    await eventually(async () => (await mails()).length === 1)
    expect(await fired()).toEqual(before)
    await without.close()
  })

  it('as data: written, listed, paused through a restart, resumed, triggered, deleted', async () => {
    const { start, mails } = await stage()
    const first = await start(scheduled({ everyMs: HOUR_MS }))
    const client = first.schedules({ by: 'eve' })
    await client.put('renew', { cron: '0 6 1 * *', timeZone: 'Europe/Berlin', to: mail('renewed') })
    await client.pause('renew', 'fraud check')
    expect((await client.list()).map(({ id, source }) => [id, source])).toEqual([
      ['tick', 'code'],
      ['renew', 'data'],
    ])
    const paused = await taken(first, 'renew')
    expect(paused).toMatchObject({ paused: { by: 'eve', reason: 'fraud check' }, nextMs: undefined })
    await first.close()
    const second = await start(scheduled({ everyMs: HOUR_MS }))
    const again = second.schedules()
    expect((await again.get('renew'))?.paused?.reason).toBe('fraud check')
    const id = await again.trigger('renew')
    await eventually(async () => (await mails()).length === 1)
    expect(id).toMatch(/^renew@trigger-/)
    await again.resume('renew')
    const [one, two] = await again.next('renew', 2)
    expect(new Date(one ?? 0).toISOString()).toMatch(/-01T0[45]:00:00.000Z$/)
    expect(two).toBeGreaterThan(one ?? Infinity)
    await again.delete('renew')
    expect(await again.get('renew')).toBeUndefined()
    await second.close()
  })

  it('are triggered once each, 200 at a time', async () => {
    const { start, fired } = await stage()
    const streams = await start(scheduled({ everyMs: HOUR_MS }))
    const client = streams.schedules()
    const ids = await Promise.all(Array.from({ length: 200 }, () => client.trigger('tick')))
    await eventually(async () => (await fired()).length >= 200)
    expect((await fired()).map(({ fireId }) => fireId).sort()).toEqual(ids.sort())
    await streams.close()
  })

  it('per partition: in every task, with ids of their own', async () => {
    const { broker, start, fired } = await stage()
    const topology = () => {
      const builder = new StreamsBuilder()
      builder.addStateStore(sharedStore)
      builder.stream('in', text).process(() => ({ process: () => undefined }), {
        name: 'seen',
        stores: ['shared'],
      })
      builder
        .schedule('tick', { everyMs: 200, per: 'partition' })
        .process<string, Firing>(() => new PassOn(), { name: 'look', stores: ['shared'] })
        .to('out', json)
      return builder.build()
    }
    await produce(broker, 'in', 3, [['k', 'v']])
    const both = [await start(topology(), 'one'), await start(topology(), 'two')]
    const partitionOf = ({ fireId }: Firing) => /^tick\/(\d)@/.exec(fireId)?.[1]
    await eventually(async () => new Set((await fired()).map(partitionOf)).size === 3)
    await eventually(async () => (await fired()).length > 15)
    for (const streams of both) await streams.close()
    const ids = (await fired()).map(({ fireId }) => fireId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set((await fired()).map(partitionOf))).toEqual(new Set(['0', '1', '2']))
  })

  it.each<[string, (client: ReturnType<KafkaStreams['schedules']>) => Promise<unknown>, string]>([
    ['an unknown id', client => client.pause('tock'), 'there is no schedule tock; did you mean tick?'],
    ['deletion of one of the code', client => client.delete('tick'), 'schedule tick is in the code of app'],
    ['another sink', client => client.put('x', { everyMs: 1, to: { sink: 'mail' } }), 'did you mean mails?'],
    ['a count of 0', client => client.next('tick', 0), 'count is 0'],
    [
      'a value that is none',
      client => client.put('x', { everyMs: 1, to: { sink: 'mails', key: 7, value: '' } }),
      'string',
    ],
  ])('%s is an error', async (_, act, message) => {
    const { start } = await stage()
    const streams = await start(scheduled({ everyMs: HOUR_MS }))
    await expect(act(streams.schedules())).rejects.toThrow(message)
    await streams.close()
  })

  it('cannot be written before their topic is there, nor where the code has none', async () => {
    const { broker } = await stage()
    const config = { applicationId: 'app', stateDir: await temporaryDirectory() }
    const before = new KafkaStreams(scheduled(undefined), config, { broker, logger: silentLogger })
    const put = before.schedules().put('x', { everyMs: 1, to: mail('v') })
    await expect(put).rejects.toThrow('there is no topic app-schedules')
    const builder = new StreamsBuilder()
    builder.stream('in', text).to('out', text)
    const none = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
    await expect(none.schedules().list()).rejects.toThrow('app has no schedules')
    for (const streams of [before, none]) await streams.close()
  })
})
