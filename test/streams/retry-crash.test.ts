import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { lettersOf } from '../support/replay-stage.ts'
import { expectFates, fateOf, POISON, prepareRetry, retryInput } from '../support/retry-subject.ts'
import { readAll, textOf } from '../support/topics.ts'
import { runChild } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const CHILD = fileURLToPath(new URL('retry-crash-child.ts', import.meta.url))
const RECORDS = 600
const STEPS: readonly CommitStep[] = ['prepared', 'committed']

const run = (...args: string[]) => runChild(CHILD, 'exactly-once', ...args)

describe('kill -9 while records are parked, then recovery: output or letter, once, in order of each key', () => {
  it.each(STEPS)('%s', async step => {
    const directory = await temporaryDirectory()
    const input = retryInput(RECORDS)
    const open = () => openEmbeddedBroker({ directory: join(directory, 'broker') })
    {
      const broker = await open()
      await prepareRetry(broker, input, 1)
      await broker.close()
    }
    for (const occurrence of ['5', '2', '3'])
      expect(await run(directory, `${RECORDS}`, step, occurrence)).toBe('SIGKILL')
    expect(await run(directory, `${RECORDS}`)).toBe('finished')
    const broker = await open()
    await expectFates(broker, input, 'subject')
    await broker.close()
  })
})

it('at-least-once, kill -9 while records are parked: each has its output or its letter, which may come again with the same id', async () => {
  const directory = await temporaryDirectory()
  const input = retryInput(RECORDS)
  const open = () => openEmbeddedBroker({ directory: join(directory, 'broker') })
  {
    const broker = await open()
    await prepareRetry(broker, input, 1)
    await broker.close()
  }
  for (const [step, occurrence] of [
    ['prepared', '4'],
    ['staged', '2'],
    ['prepared', '3'],
  ] as const)
    expect(await runChild(CHILD, 'at-least-once', directory, `${RECORDS}`, step, occurrence)).toBe('SIGKILL')
  expect(await runChild(CHILD, 'at-least-once', directory, `${RECORDS}`)).toBe('finished')
  const broker = await open()
  const out = new Set((await readAll(broker, 'out')).map(({ value }) => textOf(value)))
  const letters = (await readAll(broker, 'subject-charge-dlq')).map(record => readLetter(record)!)
  const byId = new Map(letters.map(({ id, value, reason }) => [id, `${textOf(value)} ${reason}`]))
  for (const [at, [, value]] of input.entries()) {
    const fate = fateOf(value!)
    if (fate === 'gave-up' || fate === 'non-retriable')
      expect(byId.get(`in-0-${at}`)).toBe(`${value} ${fate}`)
    else expect(out).toContain(`${value}!`)
  }
  expect(out.size + byId.size).toBe(RECORDS)
  // A letter that has come twice is replayed once.
  const client = await lettersOf(broker, 'subject')
  expect((await client.replay({})).letters).toHaveLength(byId.size)
  await broker.close()
})

describe('a record whose call ends the process', () => {
  it('is found, and given up after some ends, while all others have their fates', async () => {
    const directory = await temporaryDirectory()
    const open = () => openEmbeddedBroker({ directory: join(directory, 'broker') })
    const input = retryInput(100)
    input.splice(37, 0, ['k3', POISON, 1_037])
    {
      const broker = await open()
      await prepareRetry(broker, input, 1)
      await broker.close()
    }
    const ends: string[] = []
    while (ends.at(-1) !== 'finished' && ends.length < 16) ends.push(await run(directory, `${input.length}`))
    // The first end counts for nobody, seven are counted; where the machine is slow, some may hit the record
    // before a commit has seen it.
    expect(ends.at(-1)).toBe('finished')
    expect(ends.slice(0, -1)).toEqual(ends.slice(0, -1).map(() => 'SIGKILL'))
    expect(ends.length).toBeGreaterThanOrEqual(9)
    const broker = await open()
    const letters = (await readAll(broker, 'subject-charge-dlq')).map(record => readLetter(record))
    expect(letters.filter(letter => letter?.reason === 'interrupted')).toMatchObject([
      { id: 'in-0-37', lastError: { name: 'InterruptedError' } },
    ])
    const out = (await readAll(broker, 'out')).map(({ value }) => textOf(value))
    expect(out.length + letters.length).toBe(input.length)
    expect(new Set(out).size).toBe(out.length)
    await broker.close()
  })
})
