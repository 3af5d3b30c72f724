import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import {
  fixedBackoff,
  Metrics,
  openOutbox,
  outboxTableSql,
  systemClock,
  type OutboxOptions,
} from '../../lib/index.ts'
import { bundledChild } from '../support/bundled-child.ts'
import { eventually } from '../support/eventually.ts'
import { listening } from '../support/listening.ts'
import { needs } from '../support/needs.ts'
import { postgresOfSuite } from '../support/postgres.ts'
import { refusedForGood, refusing } from '../support/refusing-broker.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, readAll, textOf } from '../support/topics.ts'

const { suite } = await needs('PostgreSQL')
const program = bundledChild(join(import.meta.dirname, 'outbox-child.ts'))

type Options = Partial<OutboxOptions<string, unknown>>

let tables = 0

await suite('an outbox in PostgreSQL', () => {
  const postgres = postgresOfSuite()

  async function stage({ interceptor }: { readonly interceptor?: Interceptor } = {}) {
    tables += 1
    const table = `outbox_${tables}`
    await postgres.pool.query(outboxTableSql(table))
    const broker = await openEmbeddedBroker(interceptor ? { interceptor } : {})
    onTestFinished(() => broker.close())
    await createTopics(broker, { orders: 2 })
    const { logger, lines } = listening()
    const open = (options: Options = {}) => {
      const metrics = new Metrics({ clock: systemClock })
      const outbox = openOutbox({
        ...{ pool: postgres.pool, table, topic: 'orders', broker, logger, metrics, pollMs: 5 },
        backoff: fixedBackoff({ delayMs: 20 }),
        ...options,
      })
      onTestFinished(() => outbox.close())
      return { outbox, metrics }
    }
    const put = (key: string | null, value: unknown, client: pg.Pool | pg.PoolClient = postgres.pool) =>
      client.query(`insert into ${table} (key, value) values ($1, $2)`, [key, JSON.stringify(value)])
    const left = async () =>
      Number((await postgres.pool.query<{ n: string }>(`select count(*) as n from ${table}`)).rows[0]!.n)
    return { table, broker, lines, open, put, left, written: () => writtenOf(broker) }
  }

  it('writes each row once, with what it carries, and deletes it', async () => {
    const { table, broker, open, left, written } = await stage()
    await postgres.pool.query(
      `insert into ${table} (key, value, headers) values ('a', '{"n":1}', '{"kind":"made"}'), ('b', null, null), (null, '[2]', null)`,
    )
    const { metrics } = open()
    await eventually(async () => (await left()) === 0)
    expect(await written()).toEqual(
      expect.arrayContaining([
        ['a', '{"n":1}'],
        ['b', null],
        [null, '[2]'],
      ]),
    )
    const [first] = (await readAll(broker, 'orders')).filter(({ key }) => textOf(key) === 'a')
    expect(first!.headers.map(({ key, value }) => [key, textOf(value)])).toEqual([['kind', 'made']])
    expect(Math.abs(first!.timestamp - systemClock.nowMs())).toBeLessThan(60_000)
    expect(metrics.total('outbox-rows-published-total')).toBe(3)
  })

  it('skips no row that is committed late with a lower id, and waits for no transaction that is open', async () => {
    const { open, put, written } = await stage()
    const [early, late] = [await postgres.pool.connect(), await postgres.pool.connect()]
    onTestFinished(() => [early, late].forEach(client => client.release(true)))
    for (const client of [early, late]) await client.query('begin')
    await put('early', 1, early)
    await put('late', 1, late)
    await put('now', 1)
    open()
    await eventually(async () => expect(await written()).toEqual([['now', '1']]) ?? true)
    await late.query('commit')
    await eventually(async () => (await written()).length === 2)
    await put('now', 2)
    await eventually(async () => (await written()).length === 3)
    await early.query('commit')
    await eventually(async () => (await written()).length === 4)
    expect((await written()).map(([key]) => key).sort()).toEqual(['early', 'late', 'now', 'now'])
  })

  it('keeps the order of commits of each key, whatever runs beside it', async () => {
    const { table, open, written } = await stage()
    const locks = `${table}_locks`
    await postgres.pool.query(
      `create table ${locks} (key text primary key, n int); insert into ${locks} select 'k' || n, 0 from generate_series(0, 3) n`,
    )
    open({ batchRowsMax: 3 })
    const random = new SeededRandom(11)
    const writer = async () => {
      for (let round = 0; round < 40; round += 1) {
        const client = await postgres.pool.connect()
        await client.query('begin')
        // Some have their transaction id long before they have the lock of the key.
        if (random.below(2) === 0) await client.query('select pg_current_xact_id()')
        if (random.below(3) === 0) await client.query('select pg_sleep(0.003)')
        const key = `k${random.below(4)}`
        const { rows } = await client.query<{ n: number }>(
          `update ${locks} set n = n + 1 where key = $1 returning n`,
          [key],
        )
        for (const part of ['a', 'b'])
          await client.query(`insert into ${table} (key, value) values ($1, $2)`, [
            key,
            JSON.stringify(`${rows[0]!.n}${part}`),
          ])
        const isCommitted = random.below(4) > 0
        await client.query(isCommitted ? 'commit' : 'rollback')
        client.release()
      }
    }
    await Promise.all([writer(), writer(), writer(), writer(), writer()])
    const { rows } = await postgres.pool.query<{ key: string; n: number }>(
      `select key, n from ${locks} order by key`,
    )
    const total = rows.reduce((sum, { n }) => sum + 2 * n, 0)
    await eventually(async () => (await written()).length >= total)
    const found = await written()
    for (const { key, n } of rows) {
      const expected = Array.from({ length: n }, (_, at) => [`"${at + 1}a"`, `"${at + 1}b"`]).flat()
      expect(found.filter(([each]) => each === key).map(([, value]) => value)).toEqual(expected)
    }
  })

  it('writes each row once where any answer of the brokers is an error, or is lost', async () => {
    const error = () => new BrokerError('NOT_COORDINATOR', 'retriable', 'down')
    const faults = [
      () => {
        throw error()
      },
      () => ({ dropAnswer: error() }),
    ]
    let rowsLeft = -1
    for (const fault of faults) {
      for (let failAt = 1; failAt <= 12; failAt += 1) {
        let operations = 0
        const interceptor: Interceptor = ({ operation }) => {
          if (!['produce', 'init-producer', 'end-transaction', 'list-offsets'].includes(operation)) return
          operations += 1
          return operations === failAt ? fault() : undefined
        }
        const { open, put, left, written } = await stage({ interceptor })
        for (let n = 0; n < 7; n += 1) await put('k', n)
        const { outbox } = open({ batchRowsMax: 3 })
        await eventually(async () => (rowsLeft = await left()) === 0, {
          what: `all rows after a fault at ${failAt}`,
        })
        await outbox.close()
        expect(
          (await written()).map(([, value]) => Number(value)),
          `a fault at ${failAt}`,
        ).toEqual([0, 1, 2, 3, 4, 5, 6])
      }
    }
    expect(rowsLeft).toBe(0)
  })

  it('writes each row once over kills of its process at any moment', async () => {
    const directory = join(await temporaryDirectory(), 'broker')
    await postgres.pool.query(outboxTableSql('kills'))
    const before = await openEmbeddedBroker({ directory })
    await createTopics(before, { orders: 1 })
    await before.close()
    const put = async (from: number) => {
      for (let n = from; n < from + 5; n += 1)
        await postgres.pool.query(`insert into kills (key, value) values ('k', $1)`, [String(n)])
    }
    const killsAt = [4, 6, 7, 9]
    for (const [run, killAt] of [...killsAt, 0].entries()) {
      await put(5 * run)
      const args = [program.path, directory, postgres.connectionString, String(killAt)]
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] })
      const exited = once(child, 'exit')
      if (killAt > 0) expect(await exited).toEqual([null, 'SIGKILL'])
      else {
        await eventually(async () => (await postgres.pool.query('select from kills')).rowCount === 0)
        child.stdin.end()
        expect(await exited).toEqual([0, null])
      }
    }
    const after = await openEmbeddedBroker({ directory })
    onTestFinished(() => after.close())
    expect((await writtenOf(after)).map(([, value]) => Number(value))).toEqual(
      Array.from({ length: 25 }, (_, n) => n),
    )
  })

  it('lets one of several drain; another takes over, and what the first still writes is refused', async () => {
    let isHolding = false
    let release: () => void = () => undefined
    const hold = new Promise<void>(resolve => (release = resolve))
    let isHeld = false
    const { open, put, left, written } = await stage({
      interceptor: async ({ operation }) => {
        if (operation !== 'end-transaction' || !isHolding || isHeld) return
        isHeld = true
        await hold
      },
    })
    const first = open()
    await eventually(() => first.outbox.state === 'draining')
    const second = open()
    await put('k', 1)
    await eventually(async () => (await left()) === 0)
    expect(second.outbox.state).toBe('standby')
    isHolding = true
    await put('k', 2)
    // The first stands still with its transaction, and has lost the lock.
    await eventually(() => isHeld)
    await postgres.pool.query(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted`,
    )
    await eventually(() => second.outbox.state === 'draining')
    await put('k', 3)
    await eventually(async () => (await left()) === 0)
    release()
    await eventually(() => first.metrics.total('outbox-failures-total') > 0)
    await put('k', 4)
    await eventually(async () => (await left()) === 0)
    expect(await written()).toEqual([1, 2, 3, 4].map(n => ['k', String(n)]))
    await second.outbox.close()
    await eventually(() => first.outbox.state === 'draining')
    expect(second.outbox.state).toBe('closed')
  })

  it('goes on after the database was away', async () => {
    const { open, put, left, written, lines } = await stage()
    const { outbox } = open()
    await put('k', 1)
    await eventually(async () => (await left()) === 0)
    await postgres.stop()
    await eventually(() => outbox.state === 'standby')
    await postgres.start()
    await put('k', 2)
    await eventually(async () => (await left()) === 0)
    expect(await written()).toEqual([
      ['k', '1'],
      ['k', '2'],
    ])
    expect(lines.some(line => line.includes('drains again'))).toBe(true)
  })

  it('stands still at a row that cannot be a record, names it, and goes on once it is mended', async () => {
    const { table, open, put, written, broker } = await stage()
    for (const n of [1, 2, 3]) await put('k', n)
    const { rows } = await postgres.pool.query<{ id: string }>(`select id from ${table} where value = '2'`)
    const code = {
      code: 'OUTBOX_ROW_REFUSED',
      message: expect.stringContaining(`id ${rows[0]!.id},`) as unknown,
    }
    const throwing = open({
      batchRowsMax: 1,
      record: ({ key, value }) => {
        if (value === 2) throw new Error('no')
        return { key, value }
      },
    })
    await expect(throwing.outbox.ended).rejects.toMatchObject(code)
    expect(throwing.outbox.state).toBe('failed')
    expect(await written()).toEqual([['k', '1']])
    // Refused by the brokers, in a batch: which one it was is found out.
    const refuses = refusing(broker, record =>
      record.topic === 'orders' && textOf(record.value) === '2' ? refusedForGood(record) : undefined,
    )
    await expect(open({ broker: refuses }).outbox.ended).rejects.toMatchObject(code)
    await postgres.pool.query(`update ${table} set value = '5' where id = $1`, [rows[0]!.id])
    open()
    await eventually(async () => (await written()).length === 3)
    expect((await written()).map(([, value]) => value)).toEqual(['1', '5', '3'])
  })

  it('refuses a table, or a database, that is not the one it knows', async () => {
    const { table, open, put, left, lines } = await stage()
    await put('k', 1)
    const first = open({ name: 'shop' })
    await eventually(async () => (await left()) === 0)
    await first.outbox.close()
    await postgres.pool.query(outboxTableSql(`${table}_new`))
    const changed = open({ name: 'shop', table: `${table}_new` })
    await expect(changed.outbox.ended).rejects.toMatchObject({ code: 'OUTBOX_TABLE_CHANGED' })
    await postgres.pool.query(`create table ${table}_own (id bigserial primary key, key text, value jsonb)`)
    open({ table: `${table}_own` })
    await eventually(() => lines.some(line => line.includes('has no xid, where xid8 xid is needed')))
    expect(() => open({ pollMs: 0 })).toThrow('pollMs is 0')
    expect(() => open({ name: 'a b' })).toThrow('part of the name of a topic')
  })

  it('needs no rights but those to read and delete rows', async () => {
    const { table, broker, put, left } = await stage()
    await postgres.pool.query(`create role drainer login; grant select, delete on ${table} to drainer`)
    await put('k', 1)
    const outbox = openOutbox({
      connectionString: postgres.connectionString.replace('postgres@', 'drainer@'),
      ...{ table, topic: 'orders', broker, pollMs: 5 },
    })
    onTestFinished(() => outbox.close())
    await eventually(async () => (await left()) === 0)
  })
})

/** Key and value of each record, by partition. */
async function writtenOf(broker: Broker) {
  return (await readAll(broker, 'orders')).map(({ key, value }) => [textOf(key), textOf(value)] as const)
}
