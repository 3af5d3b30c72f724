import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8Text } from '../../lib/common/bytes.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { eventually } from '../support/eventually.ts'
import { listed, replayStage } from '../support/replay-stage.ts'
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
})
