import { cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { numbered, record, refusal, valueText } from '../conformance/broker/stage.ts'
import { damagesOf } from '../support/file-damage.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopic, readAll } from './embedded-fixture.ts'

const PART = 2_000
const values = numbered(2 * PART)

/** Two openings, so that there are tables beside the log. */
async function filled(directory: string, killed?: string): Promise<void> {
  for (const part of [values.slice(0, PART), values.slice(PART)]) {
    const broker = await openEmbeddedBroker({ directory, cacheBytesMax: 0 })
    if (part[0] === values[0]) await createTopic(broker, 'data')
    const producer = await broker.producer({ clientId: 'test' })
    for (const value of part) {
      producer.send(record('data', value))
      if (Number(value.slice(1)) % 100 === 0) await producer.flush()
    }
    await producer.flush()
    if (killed !== undefined) await cp(directory, killed, { recursive: true })
    await broker.close()
  }
}

afterEach(() => vi.restoreAllMocks())

test('each file of its directory damaged: the error names directory and mend, or everything acknowledged is there but for a cut end', async () => {
  const home = await temporaryDirectory()
  const [closed, killed] = [join(home, 'closed'), join(home, 'killed')]
  await filled(closed, killed)
  let refusals = 0
  for (const from of [closed, killed]) {
    for (const damage of await damagesOf(from, { places: [0.01, 0.3, 0.5, 0.8, 0.99] })) {
      const directory = await mkdtemp(join(home, 'case-'))
      await cp(from, directory, { recursive: true })
      await damage.inflict(directory)
      const broker = await openEmbeddedBroker({ directory }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'BROKER_STORAGE_DAMAGED' })
        expect((error as Error).message).toContain(directory)
        expect((error as Error).message).toContain('backup')
        return undefined
      })
      if (!broker) {
        refusals += 1
        // Nothing was touched: somebody may still want to look at it.
        if (damage.what !== 'deleted') expect(await stat(join(directory, damage.file))).toBeDefined()
      } else {
        const isLog = damage.file.endsWith('.log')
        const found = await readAll(broker, 'data').catch((error: unknown) => {
          if (isLog) return []
          throw error
        })
        expect(found.map(valueText)).toEqual(isLog ? values.slice(0, found.length) : values)
        await broker.close()
      }
      await rm(directory, { recursive: true })
    }
  }
  expect(refusals).toBeGreaterThan(10)
})

test('damage that is met while it is read is an error that names the directory, not an assertion', async () => {
  const directory = await temporaryDirectory()
  await filled(directory)
  const broker = await openEmbeddedBroker({ directory, cacheBytesMax: 0 })
  onTestFinished(() => broker.close())
  for (const get of [() => undefined, () => Buffer.from([1, 2, 3])]) {
    vi.spyOn(Level.prototype, 'getSync').mockImplementation(get as never)
    const error = await refusal(readAll(broker, 'data'))
    expect(error).toBeInstanceOf(BrokerError)
    expect(error).toMatchObject({ code: 'BROKER_STORAGE_DAMAGED' })
    expect(error.message).toContain(directory)
  }
})

test('a directory that cannot be recovered is closed again', async () => {
  const directory = await temporaryDirectory()
  await filled(directory)
  const level = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
  await level.put('topic/data', Buffer.from('{'))
  await level.close()
  for (const _ of [1, 2]) {
    const error = await refusal(openEmbeddedBroker({ directory }))
    expect(error).toMatchObject({ code: 'BROKER_STORAGE_DAMAGED' })
  }
})
