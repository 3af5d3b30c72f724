import { describe, expect, it, onTestFinished } from 'vitest'
import {
  addUpsertSink,
  fixedBackoff,
  KafkaStreams,
  Metrics,
  openBroker,
  postgresTarget,
  serdes,
  StreamsBuilder,
  systemClock,
  type UpsertSinkOptions,
} from '../../lib/index.ts'
import { poolOf } from '../../lib/patterns/postgres/postgres-pool.ts'
import { eventually } from '../support/eventually.ts'
import { listening } from '../support/listening.ts'
import { needs } from '../support/needs.ts'
import { postgresOfSuite } from '../support/postgres.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf, type Pair } from '../support/topics.ts'

const { suite } = await needs('PostgreSQL')

interface Site {
  readonly name: string
  readonly apps?: readonly string[]
}

let tables = 0

await suite('the upsert sink, into PostgreSQL', () => {
  const postgres = postgresOfSuite()

  async function stage(options: Partial<UpsertSinkOptions<string, Site>> = {}) {
    tables += 1
    const table = `sites_${tables}`
    await postgres.pool.query(
      `create table ${table} (id text primary key, name text, apps text[], seen int,
      source_position bigint, source_deleted boolean)`,
    )
    const broker = await openBroker('memory')
    onTestFinished(() => broker.close())
    await createTopics(broker, { sites: 2 }, ['sites'])
    const metrics = new Metrics({ clock: systemClock })
    const { logger, lines } = listening()
    const target = postgresTarget({
      pool: postgres.pool,
      table,
      key: ['id'],
      columns: ['name', 'apps', 'seen'],
    })
    const run = async (applicationId = 'sink', more: Partial<UpsertSinkOptions<string, Site>> = {}) => {
      const builder = new StreamsBuilder()
      addUpsertSink<string, Site>(builder, {
        name: 'sql',
        topic: 'sites',
        keySerde: serdes.string(),
        valueSerde: serdes.json<Site>(),
        target,
        key: id => ({ id }),
        row: ({ name, apps = [] }) => ({ name, apps }),
        retry: { backoff: fixedBackoff({ delayMs: 20 }), circuit: { openAfter: 5, probeEveryMs: 20 } },
        ...options,
        ...more,
      })
      const stateDir = await temporaryDirectory()
      const config = { applicationId, stateDir, commitIntervalMs: 10 }
      const streams = new KafkaStreams(builder.build(), config, { broker, logger, metrics })
      onTestFinished(() => streams.close())
      await streams.start()
      return streams
    }
    const rows = async () =>
      (
        await postgres.pool.query<{
          id: string
          name: string | null
          source_deleted: boolean
          source_position: string
        }>(`select id, name, source_deleted, source_position from ${table} order by id`)
      ).rows
    /** Names of the rows that are there. */
    const names = async () =>
      Object.fromEntries((await rows()).filter(row => !row.source_deleted).map(({ id, name }) => [id, name]))
    const put = (...pairs: readonly (readonly [string, Site | null])[]) =>
      produce(
        broker,
        'sites',
        2,
        pairs.map(([id, site]): Pair => [id, site && JSON.stringify(site)]),
      )
    return { broker, table, target, metrics, lines, run, rows, names, put }
  }

  it('keeps the newest state of each key; a deletion stays as a row without values', async () => {
    const { run, rows, put, table } = await stage()
    await put(
      ['a', { name: 'A', apps: ['x, "y"', "z'"] }],
      ['b', { name: 'B' }],
      ['a', { name: 'A2', apps: ['{}'] }],
    )
    await put(['b', null], ['c', null])
    await run()
    await eventually(async () => (await rows()).length === 3)
    await eventually(async () => {
      expect(await rows()).toMatchObject([
        { id: 'a', name: 'A2', source_deleted: false },
        { id: 'b', name: null, source_deleted: true },
        { id: 'c', name: null, source_deleted: true },
      ])
      return true
    })
    const { rows: found } = await postgres.pool.query(`select apps from ${table} where id = 'a'`)
    expect(found).toEqual([{ apps: ['{}'] }])
  })

  it('never takes a row back: an older state, a rebuild, and a process that was thought dead', async () => {
    const { run, names, rows, put, target, metrics } = await stage()
    await put(['a', { name: 'A1' }], ['b', { name: 'B1' }], ['a', { name: 'A2' }], ['b', null])
    const first = await run()
    await eventually(async () => expect(await names()).toEqual({ a: 'A2' }) ?? true)
    const before = await rows()
    await first.close()
    const olderBefore = metrics.total('upsert-rows-older-total')
    // Another application reads all of the topic again.
    await run('rebuild')
    await eventually(() => metrics.total('upsert-rows-older-total') === olderBefore + 4)
    expect(await rows()).toEqual(before)
    // The same positions, as a process writes them that stood still meanwhile.
    const signal = new AbortController().signal
    const older = [
      { key: { id: 'a' }, values: { name: 'A1' }, position: 0n },
      { key: { id: 'b' }, values: { name: 'B1' }, position: 0n },
    ]
    expect(await target.write(older, signal)).toBe(0)
    expect(await rows()).toEqual(before)
  })

  it('takes a higher generation for newer, whatever the offsets', async () => {
    const { run, names, put } = await stage()
    await put(['a', { name: 'old' }], ['a', { name: 'older topic, higher offset' }])
    const first = await run()
    await eventually(async () => (await names())['a'] === 'older topic, higher offset')
    await first.close()
    await run('next', { generation: 1, row: ({ name }) => ({ name: `${name}, anew` }) })
    await eventually(async () => (await names())['a'] === 'older topic, higher offset, anew')
  })

  it('waits while the database is away, and loses nothing', async () => {
    const { run, names, put, metrics, lines } = await stage()
    await put(['a', { name: 'A1' }])
    await run()
    await eventually(async () => (await names())['a'] === 'A1')
    await postgres.stop()
    await put(...Array.from({ length: 300 }, (_, n) => [`k${n}`, { name: String(n) }] as const))
    await eventually(() => metrics.total('upsert-failures-total') > 2)
    await eventually(() => metrics.total('retry-parked-records') > 0)
    await postgres.start()
    await eventually(async () => Object.keys(await names()).length === 301)
    expect(metrics.total('dead-letters-total')).toBe(0)
    expect(lines.filter(line => line.includes('takes no rows')).length).toBeGreaterThan(0)
    await eventually(() => lines.some(line => line.includes('takes rows again')))
  })

  it('takes no further input while the database does not answer', async () => {
    const { run, names, put, metrics, table } = await stage({
      writeTimeoutMs: 50,
      batchRowsMax: 5,
      retry: { backoff: fixedBackoff({ delayMs: 10 }), parkedMax: 20 },
    })
    const blocker = await postgres.pool.connect()
    await blocker.query('begin')
    await blocker.query(`lock table ${table} in access exclusive mode`)
    await put(...Array.from({ length: 400 }, (_, n) => [`k${n}`, { name: String(n) }] as const))
    await run()
    await eventually(() => metrics.total('upsert-failures-total') > 5)
    // Two tasks, each with as many as may be parked and as many as may run.
    expect(metrics.total('retry-parked-records')).toBeLessThanOrEqual(2 * (20 + 10))
    await blocker.query('rollback')
    blocker.release()
    await eventually(async () => Object.keys(await names()).length === 400)
    expect(metrics.total('dead-letters-total')).toBe(0)
  })

  it('gives up only the rows that the table refuses, with the reason, and writes the others of their batch', async () => {
    const { run, names, put, broker, metrics } = await stage({
      row: ({ name }) => {
        if (name === 'throw') throw new Error('no such name')
        if (name === 'number') return { name, seen: 'many' }
        if (name === 'column') return { name, colour: 'red' }
        return { name }
      },
    })
    const bad = ['throw', 'number', 'column', 'nul\0'].map(
      name => [`bad-${name.slice(0, 3)}`, { name }] as const,
    )
    const good = Array.from({ length: 50 }, (_, n) => [`k${n}`, { name: String(n) }] as const)
    await put(...good.slice(0, 20), ...bad, ...good.slice(20))
    await run()
    await eventually(async () => Object.keys(await names()).length === 50)
    await eventually(() => metrics.total('dead-letters-total') === 4)
    const letters = await eventually(async () => {
      const found = await readAll(broker, 'sink-sql-dlq')
      return found.length === 4 && found
    })
    const texts = letters.map(({ value, headers }) => [
      textOf(value) ?? '',
      ...headers.map(each => textOf(each.value) ?? ''),
    ])
    const all = texts.flat().join('\n')
    for (const reason of ['22P02', 'colour', 'has thrown', '22P05']) expect(all).toContain(reason)
  })

  it('says what does not fit about a table, and goes on once it does', async () => {
    const { run, names, put, lines, table } = await stage()
    await postgres.pool.query(`alter table ${table} drop column source_position`)
    await put(['a', { name: 'A1' }])
    await run()
    await eventually(() => lines.some(line => line.includes('has no column source_position: add it')))
    await postgres.pool.query(
      `alter table ${table} add column source_position bigint, alter column name set not null`,
    )
    await eventually(() => lines.some(line => line.includes('does not allow null in name')))
    await postgres.pool.query(`alter table ${table} alter column name drop not null`)
    await postgres.pool.query(`alter table ${table} drop constraint ${table}_pkey`)
    await eventually(() => lines.some(line => line.includes('has no primary key or unique index of id')))
    await postgres.pool.query(`alter table ${table} add unique (id)`)
    await eventually(async () => (await names())['a'] === 'A1')
  })

  it('writes any order of states, by several writers at once, as the newest of each key', async () => {
    const { table, rows } = await stage()
    const { connectionString } = postgres
    const target = postgresTarget({ connectionString, table, key: ['id'], columns: ['name'] })
    const random = new SeededRandom(7)
    const states = Array.from({ length: 400 }, (_, n) => ({
      key: { id: `k${n % 13}` },
      values: n % 5 === 0 ? null : { name: String(n) },
      position: BigInt(n),
    }))
    const writer = async () => {
      const order = states
        .map(state => ({ state, at: random.next() }))
        .sort((one, other) => one.at - other.at)
      for (let at = 0; at < order.length; at += 10) {
        // One statement may name a key once.
        const batch = new Map(order.slice(at, at + 10).map(({ state }) => [state.key.id, state]))
        const left = order.slice(at, at + 10).filter(({ state }) => batch.get(state.key.id) !== state)
        const sorted = [...batch.values()].sort((one, other) => (one.key.id < other.key.id ? -1 : 1))
        await target.write(sorted, new AbortController().signal)
        for (const { state } of left) await target.write([state], new AbortController().signal)
      }
    }
    await Promise.all([writer(), writer(), writer()])
    const newest = new Map(states.map(state => [state.key.id, state]))
    const expected = [...newest].sort(([one], [other]) => (one < other ? -1 : 1))
    expect((await rows()).map(row => [row.id, row.name, row.source_position])).toEqual(
      expected.map(([id, { values, position }]) => [id, values?.name ?? null, String(position)]),
    )
  })
})

describe('an upsert target', () => {
  it('refuses what cannot be', () => {
    const table = { table: 'sites', columns: ['name'] }
    expect(() => postgresTarget({ ...table, key: [] })).toThrow('key is empty')
    expect(() => postgresTarget({ ...table, key: [''] })).toThrow('no name of a table or column')
  })

  it('says how to have a pool', () => {
    expect(() => poolOf({})).toThrow('give either pool')
    const load = () => {
      throw new Error('Cannot find module')
    }
    const missing = expect.objectContaining({
      code: 'POSTGRES_CLIENT_MISSING',
      message: expect.stringContaining('npm install pg') as unknown,
    })
    expect(() => poolOf({ connectionString: 'postgres://x' }, load)).toThrow(missing as Error)
  })
})
