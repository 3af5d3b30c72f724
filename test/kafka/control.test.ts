import { expect, it } from 'vitest'
import { systemClock } from '../../lib/common/clock.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { ControlClient } from '../../lib/patterns/control/control-client.ts'
import { ControlTargets } from '../../lib/patterns/control/control-targets.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { prepareRetry, retrySubject } from '../support/retry-subject.ts'
import { produce, readAll, textOf, type Pair } from '../support/topics.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')
const PARTITIONS = 4
const SETTINGS = { commitIntervalMs: 20, sessionTimeoutMs: 2_000, transactionTimeoutMs: 3_000 }
/** It takes effect within a second on a quiet machine; this one also runs other tests. */
const EFFECT_MS_MAX = 10_000
const KEYS = Array.from({ length: 40 }, (_, at) => `k${at}`)
/** A number whose call succeeds at once: see `fateOf`. */
const value = (round: number) => `v${round * 500}`

async function open() {
  const stage = await KafkaStage.open(brokers, 'control')
  const { broker, admin, prefix, applicationId } = stage
  await prepareRetry(broker, [], PARTITIONS, prefix)
  const targets = new ControlTargets(retrySubject({}, prefix).plan(applicationId), undefined)
  const control = new ControlClient({
    ...{ applicationId, targets, broker, clock: systemClock, by: 'ada' },
    admin: () => Promise.resolve(admin),
  })
  const send = (pairs: readonly Pair[]) => produce(broker, `${prefix}in`, PARTITIONS, pairs)
  const out = async (key?: string) =>
    (await readAll(broker, `${prefix}out`))
      .filter(record => key === undefined || textOf(record.key) === key)
      .map(record => textOf(record.value))
  const letters = async () =>
    (await readAll(broker, `${applicationId}-charge-dlq`)).map(record => readLetter(record)!)
  const outputs = (count: number) =>
    eventually(async () => (await out()).length === count, { pauseMs: 20, what: `${count} outputs` })
  return { stage, prefix, control, send, out, letters, outputs }
}

await suite('control on a real broker', () => {
  it('a paused key stays so in every process, through a rebalance and a kill, until it is resumed from elsewhere', async () => {
    const { stage, prefix, control, send, out, letters, outputs } = await open()
    const one = await stage.start('retry', 'one', SETTINGS)
    await one.running()
    await control.pause({ operator: 'charge', key: 'k1' }, { reason: 'fraud check' })
    await send([['k1', value(0)], ...KEYS.filter(key => key !== 'k1').map(key => [key, value(0)] as const)])
    await outputs(39)
    const two = await stage.start('retry', 'two', SETTINGS)
    await stage.balanced([one, two], PARTITIONS)
    await send(KEYS.map(key => [key, value(1)]))
    await outputs(78)
    await one.kill()
    await stage.restart(one)
    await two.kill()
    await send(KEYS.map(key => [key, value(2)]))
    await outputs(117)
    expect(await out('k1')).toEqual([])
    expect(await letters()).toEqual([])

    // One of its records, by its place.
    const partition = partitionForKey(Buffer.from('k1'), PARTITIONS)
    const inputs = (await readAll(stage.broker, `${prefix}in`)).filter(record => textOf(record.key) === 'k1')
    const letter = `${prefix}in-${partition}-${inputs[1]!.offset}`
    await control.skip({ operator: 'charge', letter }, { reason: 'typo' })
    await eventually(async () => (await letters()).length === 1, { pauseMs: 20 })
    expect(await letters()).toMatchObject([{ id: letter, reason: 'skipped', attempts: 0 }])
    expect((await control.list()).map(({ do: action }) => action)).toEqual(['pause'])

    await control.resume({ operator: 'charge', key: 'k1' })
    await outputs(119)
    expect(await out('k1')).toEqual([`${value(0)}!`, `${value(2)}!`])
    expect(await control.history()).toMatchObject([
      { do: 'pause', by: 'ada', reason: 'fraud check' },
      { do: 'skip', by: 'ada', reason: 'typo' },
      { do: 'skip', effect: { letter, became: 'letter' } },
      { do: 'resume', by: 'ada' },
    ])
  })

  it('takes effect within a second in two processes, and ends within one', async () => {
    const { stage, control, send, out } = await open()
    const one = await stage.start('retry', 'one', SETTINGS)
    const two = await stage.start('retry', 'two', SETTINGS)
    await stage.balanced([one, two], PARTITIONS)
    await one.running()
    await two.running()
    const partitionOf = (key: string) => partitionForKey(Buffer.from(key), PARTITIONS)
    // Of each partition one key that is paused, and one behind it that tells when the first would be through.
    const both = [0, 1, 2, 3].map(partition => KEYS.filter(key => partitionOf(key) === partition).slice(0, 2))
    let round = 0
    /** How many of the keys to be paused came out of it. */
    const sendRound = async () => {
      round += 1
      const before = await Promise.all(both.map(async ([first]) => (await out(first)).length))
      await send(both.flatMap(keys => keys.map(key => [key, value(round)] as const)))
      for (const [, second] of both)
        await eventually(async () => (await out(second)).length === round, { pauseMs: 5, what: 'the others' })
      const now = await Promise.all(both.map(async ([first]) => (await out(first)).length))
      return now.filter((count, at) => count > before[at]!).length
    }
    expect(await sendRound()).toBe(4)
    for (const [first] of both) await control.pause({ operator: 'charge', key: first })
    const pausedMs = performance.now()
    await eventually(async () => (await sendRound()) === 0, { pauseMs: 1, what: 'the pause' })
    expect(performance.now() - pausedMs).toBeLessThan(EFFECT_MS_MAX)
    for (const [first] of both) await control.resume({ operator: 'charge', key: first })
    const resumedMs = performance.now()
    for (const [first] of both)
      await eventually(async () => (await out(first)).length === round, { pauseMs: 5, what: 'the resumed' })
    expect(performance.now() - resumedMs).toBeLessThan(EFFECT_MS_MAX)
  })
})
