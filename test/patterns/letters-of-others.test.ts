import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { findBoxes } from '../../lib/cli/letters/find-boxes.ts'
import { letterBoxes, operatorBox } from '../../lib/patterns/letters/letter-box.ts'
import { eventually } from '../support/eventually.ts'
import { listed, lettersOf, replayStage } from '../support/replay-stage.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

/** Topics tell applications `pay` and `pay-eu` apart only if one knows their operators. */
it('letters of an application whose id begins with this one are neither shown nor purged', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  await produce(broker, 'in', 1, [['k', 'bad']])
  const { start } = await replayStage(broker, { applicationId: 'pay-eu' })
  await start()
  const written = async () => (await readAll(broker, 'pay-eu-charge-dlq')).length
  await eventually(async () => (await written()) === 1)
  const admin = await broker.admin()
  onTestFinished(() => admin.close())
  for (const known of [undefined, letterBoxes({ applicationId: 'pay', subtopologies: [] })]) {
    const boxes = await findBoxes({ applicationId: 'pay', known, admin })
    const letters = await lettersOf(broker, 'pay', { boxes } as never)
    expect(await listed(letters)).toEqual([])
    expect(await letters.purge({ sinceMs: 0 })).toEqual({ letters: [], left: 0, homeless: [] })
  }
  expect(await written()).toBe(1)
  expect(await listed(await lettersOf(broker, 'pay-eu'))).toEqual(['bad open'])
})

it('a queue for all nodes that is named as an operator would name its own is no operator', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { 'pay-all-dlq': 1, 'pay-old-dlq': 1 })
  const admin = await broker.admin()
  onTestFinished(() => admin.close())
  const plan = { applicationId: 'pay', subtopologies: [] }
  const known = letterBoxes(plan, { deadLetterQueueTopic: 'pay-all-dlq' })
  const boxes = await findBoxes({ applicationId: 'pay', known, admin })
  expect(boxes.map(({ name }) => name)).toEqual(['pay-all-dlq', 'old'])
})

it('a letter that is named, of an operator that is gone, is told of as one that nothing takes again', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  await produce(broker, 'in', 1, [['k', 'bad']])
  await (await replayStage(broker, { applicationId: 'app' })).start()
  await eventually(async () => (await readAll(broker, 'app-charge-dlq')).length === 1)
  const boxes = [{ ...operatorBox('app', 'charge'), isGone: true }]
  const letters = await lettersOf(broker, 'app', { boxes } as never)
  const { homeless, letters: replayed } = await letters.replay({ ids: ['in-0-0'] })
  expect([replayed.length, homeless.map(({ id }) => id)]).toEqual([0, ['in-0-0']])
  expect(await readAll(broker, 'app-charge-replay')).toEqual([])
  expect(await listed(letters)).toEqual(['bad open'])
})
