import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { serdes, stores, StreamsBuilder, type StreamsConfig } from '../../lib/index.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  commitSubject,
  createSubjectTopics,
  expectedOutcome,
  expectSame,
  seenOutcome,
  subjectInput,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { damagesOf, type Damage } from '../support/file-damage.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const TASK = join('subject', '0_0')
const STEP = 40

/**
 * The subject of the commit tests over one broker and one state directory, for as many runs as a test wants.
 */
async function application(config: Partial<StreamsConfig> = {}) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createSubjectTopics(broker)
  const stateDir = await temporaryDirectory()
  const { logger, lines } = listening()
  let records = 0
  const open = () => {
    const settings = { applicationId: 'subject', stateDir, commitIntervalMs: 0, ...config }
    const streams = new KafkaStreams(commitSubject(), settings, { broker, logger })
    onTestFinished(() => streams.close())
    return streams
  }
  const feed = async () => {
    records += STEP
    await produce(broker, 'in', 1, subjectInput(records).slice(records - STEP))
  }
  /** Some more input; and everything that has come out so far is what the test driver says. */
  const proceed = async () => {
    await feed()
    await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(records)))
  }
  return { stateDir, lines, open, feed, proceed }
}

const rebuilt = (lines: readonly string[]) => lines.filter(line => line.includes('is removed and rebuilt'))

it('each file of a task damaged in each way, again and again: every run goes on exactly', async () => {
  const { stateDir, lines, open, proceed } = await application()
  const place = join(stateDir, TASK)
  const copies = await mkdtemp(join(stateDir, 'copies-'))
  const run = async (copyTo?: string) => {
    const streams = open()
    await streams.start()
    await proceed()
    // As a process that is killed now leaves it.
    if (copyTo !== undefined) await cp(place, copyTo, { recursive: true })
    await streams.close()
  }
  await run()
  const seen = new Set<string>()
  const wanted = async (older: string): Promise<Damage | undefined> => {
    const damages = await damagesOf(place, { older, places: [0.1, 0.5, 0.95] })
    const kind = ({ file, what }: Damage) => `${file.replace(/\d+/, 'n')} ${what.replace(/ \d.*/, '')}`
    const next = damages.find(damage => !seen.has(kind(damage)))
    if (next) seen.add(kind(next))
    return next
  }
  for (let round = 0; ; round += 1) {
    const older = join(copies, `older-${round}`)
    await cp(place, older, { recursive: true })
    const killed = join(copies, `killed-${round}`)
    await run(killed)
    if (round % 2 === 1) {
      await rm(place, { recursive: true })
      await rename(killed, place)
    }
    const damage = await wanted(older)
    if (!damage) break
    await damage.inflict(place)
    lines.push(`${damage.file} ${damage.what}`)
  }
  await run()
  expect(seen.size).toBeGreaterThan(15)
  expect(rebuilt(lines).length).toBeGreaterThan(5)
})

it('the whole directory of an older copy: what it lacks is replayed', async () => {
  const { stateDir, open, proceed } = await application()
  const place = join(stateDir, TASK)
  const older = join(stateDir, 'older')
  for (const round of [0, 1, 2]) {
    if (round === 1) await cp(place, older, { recursive: true })
    if (round === 2) {
      await rm(place, { recursive: true })
      await rename(older, place)
    }
    const streams = open()
    await streams.start()
    await proceed()
    await streams.close()
  }
})

it('the damaged database of the process id is made anew, with a line that says so', async () => {
  const { stateDir, lines, open, proceed } = await application()
  const place = join(stateDir, 'subject', 'process')
  const run = async () => {
    const streams = open()
    await streams.start()
    await proceed()
    await streams.close()
  }
  await run()
  const gets = () => lines.filter(line => line.includes('gets a new id')).length
  for (const wanted of [
    /^CURRENT deleted/,
    /^CURRENT flipped/,
    /^MANIFEST-\d+ deleted/,
    /^MANIFEST-\d+ flipped/,
  ]) {
    const before = gets()
    const damages = await damagesOf(place, { places: [0.5] })
    await damages.find(({ file, what }) => wanted.test(`${file} ${what}`))!.inflict(place)
    await run()
    expect(gets()).toBe(before + 1)
  }
})

afterEach(() => vi.restoreAllMocks())

const levelError = (code: string, message: string) => Object.assign(new Error(message), { code })

/** From the next one on `times` reads of any database meet damage. */
function damageReads(times: number): void {
  const read = Level.prototype.getSync
  let left = times
  vi.spyOn(Level.prototype, 'getSync').mockImplementation(function (this: Level, ...args) {
    if (left <= 0) return read.apply(this, args)
    left -= 1
    throw levelError('LEVEL_CORRUPTION', 'Corruption: block checksum mismatch')
  })
}

it.each(['exactly-once', 'at-least-once'] as const)(
  'damage met while running (%s): no handler is asked, the state is rebuilt once',
  async processingGuarantee => {
    const asked = vi.fn(() => 'continue' as const)
    // Without caches every look-up reads from the disk.
    const { lines, open, feed, proceed } = await application({
      processingGuarantee,
      processingErrorHandler: asked,
      cacheBytesMax: 0,
      readCacheBytesMax: 0,
    })
    const streams = open()
    await streams.start()
    await proceed()
    damageReads(1)
    // At-least-once counts again what it had not committed.
    if (processingGuarantee === 'exactly-once') await proceed()
    else await feed()
    await eventually(() => expect(rebuilt(lines)).toHaveLength(1))
    await eventually(() => streams.state === 'running')
    expect(rebuilt(lines)[0]).toContain('task 0_0')
    expect(asked).not.toHaveBeenCalled()
  },
)

it('damage that comes again before anything is committed ends the application, naming the directory', async () => {
  const { stateDir, open, feed, proceed } = await application({ cacheBytesMax: 0, readCacheBytesMax: 0 })
  const streams = open()
  await streams.start()
  await proceed()
  damageReads(Infinity)
  await feed()
  await eventually(() => streams.state === 'error')
  expect(streams.error).toMatchObject({
    code: 'STATE_CORRUPTED',
    message: expect.stringContaining(join(stateDir, TASK)),
  })
})

it('damage that user code catches is not committed', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const { logger, lines } = listening()
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const builder = new StreamsBuilder()
  builder.addStateStore(stores.keyValueStore({ name: 'last', ...text, caching: false }))
  builder
    .stream('in', text)
    .process<string, string>(
      {
        get: () => {
          let context: ProcessorContext<string, string>
          let store: KeyValueStore<string, string>
          return {
            init(given) {
              context = given
              store = given.getStateStore('last')
            },
            process(record) {
              let before: string | undefined
              try {
                before = store.get(record.key!)
              } catch {
                before = 'unknown'
              }
              store.put(record.key!, record.value!)
              context.forward(record.withValue(`${before} ${record.value}`))
            },
          }
        },
      },
      { stores: ['last'] },
    )
    .to('out', text)
  const settings = { applicationId: 'subject', stateDir: await temporaryDirectory(), readCacheBytesMax: 0 }
  const streams = new KafkaStreams(builder.build(), settings, { broker, logger })
  onTestFinished(() => streams.close())
  await streams.start()
  const outputs = async () => (await readAll(broker, 'out')).map(({ value }) => textOf(value))
  await produce(broker, 'in', 1, [['k', '1']])
  await eventually(async () => (await outputs()).length === 1)
  // A commit waits until the one before is written: then the row is read from the engine, and not from what
  // is on its way there.
  await produce(broker, 'in', 1, [['other', '1']])
  await eventually(async () => (await outputs()).length === 2)
  damageReads(1)
  await produce(broker, 'in', 1, [['k', '2']])
  await eventually(async () => (await outputs()).length === 3)
  expect(await outputs()).toEqual(['undefined 1', 'undefined 1', '1 2'])
  expect(rebuilt(lines)).toHaveLength(1)
})

it('a query that meets damage says that the task is corrupted, and the task is rebuilt with its next commit', async () => {
  const { lines, open, proceed } = await application({ cacheBytesMax: 0, readCacheBytesMax: 0 })
  const streams = open()
  await streams.start()
  await proceed()
  damageReads(1)
  expect(() => streams.store('counts').get('k17')).toThrow(
    expect.objectContaining({ code: 'TASK_CORRUPTED' }),
  )
  await proceed()
  expect(rebuilt(lines)).toHaveLength(1)
})

it.each([
  ['No space left on device', 'make room on the disk'],
  ['Too many open files', 'ulimit'],
  ['Permission denied', 'readable and writable'],
])(
  'a disk that refuses (%s): the application ends with the mend, and keeps the state',
  async (says, mend) => {
    const { lines, stateDir, open, feed, proceed } = await application()
    const streams = open()
    await streams.start()
    await proceed()
    const batch = Level.prototype.batch as () => object
    vi.spyOn(Level.prototype, 'batch').mockImplementation(function (this: Level) {
      const operations = batch.call(this)
      const _write = () => Promise.reject(levelError('LEVEL_IO_ERROR', `IO error: 000005.log: ${says}`))
      return Object.assign(operations, { _write }) as never
    })
    await feed()
    await eventually(() => streams.state === 'error')
    expect(streams.error).toMatchObject({ code: 'STATE_DIRECTORY_UNUSABLE' })
    expect(streams.error?.message).toContain(mend)
    expect(streams.error?.message).toContain(join(stateDir, TASK))
    vi.restoreAllMocks()
    await streams.close()
    const next = open()
    await next.start()
    await proceed()
    expect(rebuilt(lines)).toEqual([])
  },
)
