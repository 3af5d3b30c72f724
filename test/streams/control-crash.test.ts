import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { ControlClient } from '../../lib/patterns/control/control-client.ts'
import { ControlTargets } from '../../lib/patterns/control/control-targets.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { AdminOnDemand } from '../../lib/broker/open/admin-on-demand.ts'
import { POISON, prepareRetry, retryInput, retrySubject } from '../support/retry-subject.ts'
import { runChild, withBroker } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readAll } from '../support/topics.ts'

const CHILD = fileURLToPath(new URL('retry-crash-child.ts', import.meta.url))
const RECORDS = 600
const applicationId = 'subject'
const operator = 'charge'

const run = (...args: string[]) => runChild(CHILD, 'exactly-once', ...args)

function controlOf(broker: Broker, admin: AdminOnDemand): ControlClient {
  const targets = new ControlTargets(retrySubject().plan(applicationId), undefined)
  return new ControlClient({
    applicationId,
    targets,
    broker,
    admin: admin.get,
    clock: systemClock,
    by: 'ada',
  })
}

/** While no process of the application runs. */
function commanding<T>(directory: string, use: (control: ControlClient) => Promise<T>): Promise<T> {
  return withBroker(directory, async broker => {
    const admin = new AdminOnDemand(broker)
    return use(controlOf(broker, admin)).finally(() => admin.close())
  })
}

const lettersIn = (directory: string) =>
  withBroker(directory, async broker =>
    (await readAll(broker, `${applicationId}-${operator}-dlq`)).map(record => readLetter(record)!),
  )

it.each(['prepared', 'committed'])(
  'kill -9 (%s) while records are skipped: each letter, each command taken back and each entry once',
  async step => {
    const directory = await temporaryDirectory()
    await withBroker(directory, broker => prepareRetry(broker, retryInput(RECORDS), 1))
    expect(await run(directory, `${RECORDS}`, step, '2')).toBe('SIGKILL')
    // Far behind what has been reached: offsets are their numbers.
    const ids = [403, 404, 405, 436, 438, 469, 502, 535, 568, 599].map(offset => `in-0-${offset}`)
    await commanding(directory, async control => {
      for (const letter of ids) await control.skip({ operator, letter }, { reason: 'typo' })
    })
    for (const occurrence of ['8', '5', '3'])
      expect(await run(directory, `${RECORDS}`, step, occurrence)).toBe('SIGKILL')
    expect(await run(directory, `${RECORDS}`)).toBe('finished')
    const letters = (await lettersIn(directory)).filter(({ reason }) => reason === 'skipped')
    expect(letters.map(({ id }) => id).sort()).toEqual(ids)
    expect(letters.every(({ attempts }) => attempts === 0)).toBe(true)
    await commanding(directory, async control => {
      expect(await control.list()).toEqual([])
      const effects = (await control.history()).flatMap(({ effect }) => effect ?? [])
      expect(effects.map(({ letter, became }) => `${letter} ${became}`).sort()).toEqual(
        ids.map(id => `${id} letter`),
      )
    })
  },
)

it('a record whose call ends the process is skipped from outside, and not called again', async () => {
  const directory = await temporaryDirectory()
  const input = retryInput(100)
  input.splice(37, 0, ['k3', POISON, 1_037])
  await withBroker(directory, broker => prepareRetry(broker, input, 1))
  for (let ends = 0; ends < 2; ends += 1) expect(await run(directory, `${input.length}`)).toBe('SIGKILL')
  await commanding(directory, control => control.skip({ operator, letter: 'in-0-37' }, { reason: 'poison' }))
  expect(await run(directory, `${input.length}`)).toBe('finished')
  const letters = (await lettersIn(directory)).filter(({ id }) => id === 'in-0-37')
  expect(letters).toMatchObject([{ reason: 'skipped', lastError: { message: 'by ada: poison' } }])
})
