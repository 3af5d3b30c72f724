import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { fixedBackoff, KafkaStreams, serdes, StreamsBuilder } from '../../lib/index.ts'
import { utf8Text } from '../../lib/common/bytes.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { eventually } from '../support/eventually.ts'
import { listed, replayStage } from '../support/replay-stage.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

async function stage(retry = {}) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 2, out: 2 })
  const { provider, start, outputs } = await replayStage(broker, { applicationId: 'app', retry })
  const letters = async () =>
    (await readAll(broker, 'app-charge-dlq')).map(record => {
      const { reason, value } = readLetter(record)!
      return `${utf8Text(value!)} ${reason}`
    })
  return { broker, provider, start, outputs, letters }
}

describe('replay', () => {
  it('a key that was given up whole stays so through a restart, until it is replayed', async () => {
    const { broker, provider, start, outputs, letters } = await stage({ onGiveUp: 'key' })
    await produce(broker, 'in', 2, [
      ['a', 'bad1'],
      ['b', 'v1'],
    ])
    const first = await start()
    await eventually(async () => (await letters()).length === 1 && (await outputs()).length === 1)
    await first.close()
    await produce(broker, 'in', 2, [
      ['a', 'v2'],
      ['b', 'v3'],
    ])
    const second = await start()
    await eventually(async () => (await outputs()).length === 2 && (await letters()).length === 2)
    expect(await letters()).toEqual(['bad1 non-retriable', 'v2 behind'])
    expect((await outputs()).sort()).toEqual(['v1!', 'v3!'])
    provider.isMended = true
    expect((await second.deadLetters().replay({})).letters).toHaveLength(2)
    await eventually(async () => (await outputs()).length === 4)
    await second.close()
    await produce(broker, 'in', 2, [['a', 'v4']])
    await start()
    await eventually(async () => (await outputs()).length === 5)
    const ofA = (await outputs()).filter(value => !/v[13]!/.test(value))
    expect(ofA).toEqual(['bad1!', 'v2!', 'v4!'])
  })

  it('what is replayed while the application is down is processed at the next start', async () => {
    const { broker, provider, start, outputs, letters } = await stage()
    await produce(broker, 'in', 2, [['a', 'bad1']])
    const first = await start()
    await eventually(async () => (await letters()).length === 1)
    await first.close()
    // As another process, and under another name.
    const { letters: replayed } = await first.deadLetters({ by: 'night shift' }).replay({})
    expect(replayed).toHaveLength(1)
    provider.isMended = true
    await start()
    await eventually(async () => (await outputs()).length === 1)
    const [entry] = await readAll(broker, 'app-dlq-ledger')
    expect(JSON.parse(utf8Text(entry!.value!))).toMatchObject({ action: 'replayed', by: 'night shift' })
    expect(await listed(first.deadLetters())).toEqual([])
  })

  it('topics of letters whose partitions are not those of the tasks any more end the start, and say what to do', async () => {
    const { broker, start } = await stage()
    const first = await start()
    await first.close()
    const admin = await broker.admin()
    onTestFinished(() => admin.close())
    for (const topic of ['app-charge-dlq', 'app-charge-replay']) {
      await admin.deleteTopics([topic])
      await admin.createTopics([{ topic, partitionCount: 3 }])
      await expect(start()).rejects.toThrow(
        `internal topic "${topic}" has 3 partitions, but the topology needs 2`,
      )
      await admin.deleteTopics([topic])
    }
    await start()
  })

  it('a wall clock that is set back holds calls back, one that is set forward makes them early; none is lost', async () => {
    let aheadMs = 0
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, out: 1 })
    const calls: string[] = []
    const builder = new StreamsBuilder()
    const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
    builder
      .stream<string, string>('in', text)
      .mapValuesAsync(
        async (value, _key, { attempt }) => {
          calls.push(`${value}${attempt}`)
          if (attempt < 3) throw new Error('down')
          return value
        },
        { name: 'charge', retry: { backoff: fixedBackoff({ delayMs: 60_000 }), attempts: 9 } },
      )
      .to('out', text)
    const config = { applicationId: 'app', stateDir: await temporaryDirectory(), commitIntervalMs: 10 }
    const start = async () => {
      const streams = new KafkaStreams(builder.build(), config, { broker, clock, logger: silentLogger })
      onTestFinished(() => streams.close())
      await streams.start()
      return streams
    }
    await produce(broker, 'in', 1, [['k', 'v']])
    const first = await start()
    await eventually(() => first.waitingRecords().some(({ attempts }) => attempts === 1))
    // Forward: what is not due yet is called by the next look, here that of a start.
    aheadMs = 61_000
    await first.close()
    const second = await start()
    await eventually(() => calls.length === 2)
    await eventually(() => second.waitingRecords().some(({ attempts }) => attempts === 2))
    // Back by an hour: it waits for an hour and a minute, and does not burn a try.
    aheadMs = -3_600_000
    await second.close()
    const third = await start()
    await produce(broker, 'in', 1, [['other', 'w']])
    await eventually(() => calls.includes('w1'))
    const [waiting] = third.waitingRecords().filter(({ key }) => key === 'k')
    expect(waiting!.dueMs! - clock.nowMs()).toBeGreaterThan(3_600_000)
    expect(calls).toEqual(['v1', 'v2', 'w1'])
    aheadMs = 7_200_000
    await third.close()
    await start()
    await eventually(async () => (await readAll(broker, 'out')).length === 1)
    expect(calls.filter(call => call.startsWith('v'))).toEqual(['v1', 'v2', 'v3'])
  })
})
