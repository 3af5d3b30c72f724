import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Admin } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import type { TaskId } from '../../lib/common/ids.ts'
import { silentLogger, type LogLevel } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import { systemRandom } from '../../lib/common/random.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { StateCleaner, type StateCleanerOptions } from '../../lib/runtime/state/state-cleaner.ts'
import { StateDirectory } from '../../lib/runtime/state/state-directory.ts'
import { positionWrite, refillWrite } from '../../lib/runtime/state/task-engines.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'
import { storePrefix } from '../../lib/store/contract/store-name.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const DELAY_MS = 600_000
const CHANGELOG = 'app-counts-changelog'
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const never = new AbortController().signal

/** Sub-topology 0 with one store that is logged and one that is not. */
function plan() {
  const builder = new StreamsBuilder()
  builder.addStateStore(stores.keyValueStore({ name: 'unlogged', ...text, logging: false }))
  const stream = builder.stream('in', text)
  stream.groupByKey().count({ storeName: 'counts' })
  stream.process(() => ({ process: () => undefined }), { stores: ['unlogged'] })
  return builder.build().plan('app')
}

/**
 * A state directory, a broker whose changelog has three records in each of two partitions, and a cleaner of a
 * running application.
 */
async function stage(parts: Partial<StateCleanerOptions> = {}) {
  const stateDir = await temporaryDirectory()
  const directory = await StateDirectory.open({ stateDir, applicationId: 'app' }, systemRandom, silentLogger)
  onTestFinished(() => directory.close())
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { [CHANGELOG]: 2 })
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await produce(broker, CHANGELOG, 2, [[key, 'x']])
  const admin = await broker.admin()
  onTestFinished(() => admin.close())
  const clock = new ManualClock(1_000_000)
  const metrics = new Metrics()
  const lines: string[] = []
  const logger = { log: (level: LogLevel, message: string) => void lines.push(`${level} ${message}`) }
  const settings = { stateCleanupDelayMs: DELAY_MS }
  const all = { plan: plan(), settings, directory, admin, clock, logger, metrics, ...parts }
  const cleaner = new StateCleaner(all)
  cleaner.tell(true)
  return {
    admin,
    clock,
    cleaner,
    directory,
    lines,
    look: () => cleaner.look(never),
    /** Two looks with the delay between them: state that stays is meant to stay. */
    async lookTwice() {
      await cleaner.look(never)
      clock.advance(DELAY_MS)
      await cleaner.look(never)
    },
    has: (name: string) => existsSync(join(directory.path, name)),
    removed: () => metrics.total('task-directories-removed-total'),
    ends: await admin.endOffsets([{ topic: CHANGELOG, partition: 0 }], 'read_committed'),
  }
}

interface State {
  readonly stores?: readonly string[]
  readonly position?: number
  readonly topicId?: string
  readonly refilling?: string | null
}

/** State of a task as a run before has left it. */
async function leave(
  directory: StateDirectory,
  id: TaskId,
  { stores: names = ['counts'], position = 2, topicId, refilling = null }: State = {},
): Promise<void> {
  const engine = await directory.openTask(id, silentLogger)
  const rows = names.map(name => ({ key: Buffer.concat([storePrefix(name), utf8('k')]), value: utf8('v') }))
  const books = [positionWrite(CHANGELOG, position, topicId), refillWrite(CHANGELOG, refilling)]
  await engine.write(WriteBatch.of([...rows, ...books]))
  await engine.close()
}

describe('the state of a task that has moved away', () => {
  it('is removed when the delay has passed, and not before', async () => {
    const { directory, clock, look, has, lines, removed } = await stage()
    await leave(directory, '0_0')
    await look()
    clock.advance(DELAY_MS - 1)
    await look()
    expect(has('0_0')).toBe(true)
    clock.advance(1)
    await look()
    expect(await readdir(directory.path)).toEqual(['process'])
    expect(removed()).toBe(1)
    expect(lines).toEqual([expect.stringMatching(/^info removed the state of task 0_0/)])
  })

  it('stays while it is open, and for the delay from when it was opened last, however short', async () => {
    const { directory, clock, look, has } = await stage()
    await leave(directory, '0_0')
    const engine = await directory.openTask('0_1', silentLogger)
    await look()
    clock.advance(DELAY_MS - 1)
    await look()
    await leave(directory, '0_0')
    await engine.close()
    clock.advance(1)
    await look()
    clock.advance(DELAY_MS - 1)
    await look()
    expect([has('0_0'), has('0_1')]).toEqual([true, true])
    clock.advance(1)
    await look()
    expect([has('0_0'), has('0_1')]).toEqual([false, false])
  })

  it('is not aged by a wall clock that is set forward', async () => {
    const { directory, clock, look, has } = await stage()
    await leave(directory, '0_0')
    await look()
    clock.adjustWallClock(100 * DELAY_MS)
    await look()
    expect(has('0_0')).toBe(true)
  })

  it('stays while the application does not run, and is given the whole delay after that', async () => {
    const { directory, cleaner, clock, look, has } = await stage()
    await leave(directory, '0_0')
    await look()
    cleaner.tell(false)
    clock.advance(10 * DELAY_MS)
    await look()
    cleaner.tell(true)
    await look()
    clock.advance(DELAY_MS - 1)
    await look()
    expect(has('0_0')).toBe(true)
    clock.advance(1)
    await look()
    expect(has('0_0')).toBe(false)
  })

  it.each<[string, State, RegExp]>([
    ['a store without a changelog', { stores: ['counts', 'unlogged'] }, /"unlogged" has no changelog/],
    ['a store that the topology does not know', { stores: ['former'] }, /"former" has no changelog/],
    ['more than its changelog', { position: 1_000 }, /ends at \d+, and the state knows it up to 1000/],
    ['the position of a former topic', { topicId: 'former' }, /changelog-0 was deleted and made anew/],
    ['the mark of a refill that has not ended', { refilling: 'some id' }, /was being filled anew from it/],
  ])('stays if it has %s, and the log says so once', async (_what, state, line) => {
    const { directory, clock, look, lookTwice, has, lines, removed } = await stage()
    await leave(directory, '0_0', state)
    await lookTwice()
    clock.advance(DELAY_MS)
    await look()
    expect(has('0_0')).toBe(true)
    expect(removed()).toBe(0)
    expect(lines).toEqual([expect.stringMatching(line)])
  })

  it('goes if its position is of this very topic, and stays if it knows more of it', async () => {
    const { admin, directory, lookTwice, has, lines } = await stage()
    const topicId = (await admin.describeTopics([CHANGELOG])).get(CHANGELOG)!.topicId!
    await leave(directory, '0_0', { topicId })
    await leave(directory, '0_1', { topicId, position: 1_000 })
    await lookTwice()
    expect([has('0_0'), has('0_1')]).toEqual([false, true])
    expect(lines.join()).toMatch(/the state knows it up to 1000/)
  })

  it('stays where its sub-topology is not one of this topology', async () => {
    const { directory, lookTwice, has } = await stage()
    await leave(directory, '7_0')
    await lookTwice()
    expect(has('7_0')).toBe(true)
  })

  it('stays where its changelog is empty, has no such partition, or is gone', async () => {
    const { admin, directory, lookTwice, has, lines, ends } = await stage()
    await leave(directory, '0_0')
    await leave(directory, '0_9')
    await admin.deleteRecords([{ topic: CHANGELOG, partition: 0, offset: [...ends.values()][0]! }])
    await lookTwice()
    await admin.deleteTopics([CHANGELOG])
    await leave(directory, '0_1')
    await lookTwice()
    expect([has('0_0'), has('0_1'), has('0_9')]).toEqual([true, true, true])
    expect(lines).toEqual([
      expect.stringMatching(/task 0_0 .* app-counts-changelog-0 is empty/),
      expect.stringMatching(/task 0_9 .* app-counts-changelog-9 does not exist/),
      expect.stringMatching(/task 0_1 .* app-counts-changelog-1 does not exist/),
    ])
  })

  it('goes without a question to the brokers if no store has an entry', async () => {
    const admin = {} as Admin
    const { directory, lookTwice, has } = await stage({ admin })
    await leave(directory, '0_0', { stores: [] })
    await lookTwice()
    expect(has('0_0')).toBe(false)
  })

  it('is alone: global state and whatever else lies there stays', async () => {
    const { directory, lookTwice, has } = await stage()
    await (await directory.openGlobal(silentLogger)).close()
    await mkdir(join(directory.path, 'mine_0'))
    await writeFile(join(directory.path, '0_0.txt'), 'notes')
    await lookTwice()
    expect(['global', 'mine_0', '0_0.txt', 'process'].map(has)).toEqual([true, true, true, true])
  })

  it('that cannot be removed is named in the log, holds up no other, and is tried again after the delay', async () => {
    let failures = 0
    const first = await stage()
    const { directory } = first
    const sabotaged = {
      tasks: () => directory.tasks(),
      timesOpened: (id: TaskId) => directory.timesOpened(id),
      lookInto: directory.lookInto.bind(directory),
      sweep: () => directory.sweep(),
      removeUnused: async (id: TaskId, timesOpened: number) => {
        if (id === '0_0' && failures++ === 0) throw new Error('EBUSY')
        return directory.removeUnused(id, timesOpened)
      },
    }
    const { clock, look, lookTwice, lines } = await stage({ directory: sabotaged, admin: first.admin })
    await leave(directory, '0_0')
    await leave(directory, '0_1')
    await lookTwice()
    expect([first.has('0_0'), first.has('0_1')]).toEqual([true, false])
    expect(lines[0]).toMatch(/^warn the state of task 0_0.*could not be removed/)
    await look()
    expect(first.has('0_0')).toBe(true)
    clock.advance(DELAY_MS)
    await look()
    expect(first.has('0_0')).toBe(false)
  })

  it('is left alone where the task comes back while the brokers are asked', async () => {
    let answer = () => undefined as void
    let isAsked = () => undefined as void
    const asked = new Promise<void>(resolve => (isAsked = resolve))
    const held = new Promise<void>(resolve => (answer = resolve))
    const first = await stage()
    const admin = Object.create(first.admin) as Admin
    admin.describeTopics = async topics => {
      isAsked()
      await held
      return first.admin.describeTopics(topics)
    }
    const { clock, look } = await stage({ directory: first.directory, admin })
    await leave(first.directory, '0_0')
    await look()
    clock.advance(DELAY_MS)
    const looking = look()
    await asked
    // The brokers have not answered yet: the task need not wait for them.
    const engine = await first.directory.openTask('0_0', silentLogger)
    answer()
    await looking
    expect(first.has('0_0')).toBe(true)
    await engine.close()
    await look()
    expect(first.has('0_0')).toBe(true)
  })
})

describe('a state directory', () => {
  const rowKey = Buffer.concat([storePrefix('counts'), utf8('k')])

  it('lets nobody open what is looked into, and nobody look into what is open', async () => {
    const { directory } = await stage()
    await leave(directory, '0_0')
    const order: string[] = []
    let end = () => undefined as void
    const held = new Promise<void>(resolve => (end = resolve))
    const looking = directory.lookInto('0_0', async () => {
      order.push('look')
      await held
      order.push('looked')
    })
    const opening = directory.openTask('0_0', silentLogger).then(engine => {
      order.push('opened')
      return engine
    })
    end()
    await looking
    const engine = await opening
    expect(order).toEqual(['look', 'looked', 'opened'])
    expect(await directory.lookInto('0_0', () => Promise.resolve('seen'))).toBeUndefined()
    await engine.close()
    expect(await directory.lookInto('0_0', () => Promise.resolve('seen'))).toBe('seen')
  })

  it('gives a task that comes back all of its state or none, whichever comes first', async () => {
    const { directory } = await stage()
    await leave(directory, '0_0')
    const times = directory.timesOpened('0_0')!
    const [removed, fresh] = await Promise.all([
      directory.removeUnused('0_0', times),
      directory.openTask('0_0', silentLogger),
    ])
    expect([removed, fresh.get(rowKey)]).toEqual([true, undefined])
    await fresh.close()
    await leave(directory, '0_0')
    const opening = directory.openTask('0_0', silentLogger)
    expect(await directory.removeUnused('0_0', directory.timesOpened('0_0') ?? 0)).toBe(false)
    const whole = await opening
    expect(whole.get(rowKey)).toEqual(Buffer.from('v'))
    await whole.close()
  })

  it('does not remove what was opened meanwhile', async () => {
    const { directory, has } = await stage()
    await leave(directory, '0_0')
    const times = directory.timesOpened('0_0')!
    await leave(directory, '0_0')
    expect(await directory.removeUnused('0_0', times)).toBe(false)
    expect(has('0_0')).toBe(true)
  })

  it.each<[string, (directory: StateDirectory) => Promise<unknown>]>([
    ['the cleaner', directory => directory.removeUnused('0_0', directory.timesOpened('0_0')!)],
    ['a wipe', async directory => (await directory.openTask('0_0', silentLogger)).close()],
    [
      'cleanUp()',
      async ({ path }) => {
        const options = { stateDir: dirname(path), applicationId: basename(path) }
        await StateDirectory.remove(options, systemRandom, silentLogger)
      },
    ],
  ])(
    'loses all of a state at once to %s: a crash leaves no database of which some files are gone',
    async (what, remove) => {
      const { directory } = await stage()
      const path = join(directory.path, '0_0')
      const engine = await directory.openTask('0_0', silentLogger)
      engine.unfit(new Error('it does not fit'))
      await engine.close()
      const names = Array.from({ length: 5_000 }, (_, at) => `mine-${at}.ldb`)
      await Promise.all(names.map(name => writeFile(join(path, name), 'x')))
      if (what === 'cleanUp()') await directory.close()
      const mine = () => (existsSync(path) ? readdirSync(path) : []).filter(name => name.startsWith('mine-'))
      const seen = new Set<number>()
      let isDone = false
      const removing = remove(directory).finally(() => (isDone = true))
      while (!isDone) {
        seen.add(mine().length)
        await setImmediate()
      }
      await removing
      expect([...seen].filter(count => count !== 0 && count !== names.length)).toEqual([])
      expect(mine()).toEqual([])
      const left = existsSync(directory.path) ? await readdir(directory.path) : []
      expect(left.filter(name => name.startsWith('removed-'))).toEqual([])
    },
  )

  it('takes what a removal has left behind for no state, and deletes it', async () => {
    const { directory, look } = await stage()
    await leave(directory, '0_0')
    await mkdir(join(directory.path, 'removed-0_1-of-a-crash', 'deep'), { recursive: true })
    expect(await directory.tasks()).toEqual(['0_0'])
    await look()
    expect((await readdir(directory.path)).sort()).toEqual(['0_0', 'process'])
  })
})
