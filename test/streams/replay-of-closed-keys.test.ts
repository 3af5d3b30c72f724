import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { eventually } from '../support/eventually.ts'
import { lettersOf, replayStage } from '../support/replay-stage.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

/** With one call at a time a letter is read when the one before it has succeeded, or failed again. */
it.each([
  ['while it runs', false],
  ['over a restart', true],
])('a key that is given up again in a replay keeps its order, %s', async (_name, restarts) => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const { provider, start, outputs } = await replayStage(broker, {
    applicationId: 'app',
    retry: { onGiveUp: 'key' },
    concurrency: 1,
  })
  const found = async () =>
    (await readAll(broker, 'app-charge-dlq')).map(
      record => `${textOf(record.value)} ${readLetter(record)?.reason}`,
    )
  const until = (count: number) => eventually(async () => (await found()).length >= count)
  let streams = await start()
  await produce(broker, 'in', 1, [
    ['a', 'bad1'],
    ['a', 'v2'],
    ['a', 'v3'],
  ])
  await until(3)
  const again = async () => {
    if (!restarts) return
    await streams.close()
    streams = await start()
  }
  const letters = await lettersOf(broker, 'app')
  await again()
  expect((await letters.replay({})).letters).toHaveLength(3)
  await until(6)
  const round = ['bad1 non-retriable', 'v2 behind', 'v3 behind']
  expect(await found()).toEqual([...round, ...round])
  await again()
  provider.isMended = true
  expect((await letters.replay({})).letters).toHaveLength(3)
  await eventually(async () => (await outputs()).length === 3)
  expect(await outputs()).toEqual(['bad1!', 'v2!', 'v3!'])
})

it('a restart between two letters of a replay: the key that is given up again stays closed for the second', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const { provider, start, outputs } = await replayStage(broker, {
    applicationId: 'app',
    retry: { onGiveUp: 'key' },
    concurrency: 1,
  })
  const found = async () =>
    (await readAll(broker, 'app-charge-dlq')).map(
      record => `${textOf(record.value)} ${readLetter(record)?.reason}`,
    )
  const first = await start()
  await produce(broker, 'in', 1, [
    ['a', 'bad1'],
    ['a', 'v2'],
  ])
  await eventually(async () => (await found()).length === 2)
  const called = provider.calls.length
  // The first letter's call is under way when the process leaves, and the second is not read.
  provider.until = new Promise(() => undefined)
  await first.deadLetters().replay({})
  await eventually(() => provider.calls.length > called)
  await first.close()
  provider.until = Promise.resolve()
  await start()
  await eventually(async () => (await found()).length === 4)
  expect((await found()).slice(2)).toEqual(['bad1 non-retriable', 'v2 behind'])
  expect(await outputs()).toEqual([])
})
