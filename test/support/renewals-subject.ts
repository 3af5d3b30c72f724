import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  exponentialBackoff,
  Record,
  serdes,
  StreamsBuilder,
  type Firing,
  type KeyValueStore,
  type ProcessorContext,
  type ProcessorSupplier,
  type Topology,
  type ValueAndTimestamp,
} from '../../lib/index.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const TIMES = { keySerde: serdes.string(), valueSerde: serdes.int64() }
/** Where the provider is: processes inherit it. */
const PROVIDER = 'MILLRACE_TEST_PROVIDER'

/** A firing becomes a request for each row of the store `users`. */
export const eachUser: ProcessorSupplier<string, Firing, string, number> = {
  get() {
    let context: ProcessorContext<string, number>
    return {
      init: given => void (context = given),
      process({ value: { nominalMs }, timestamp }) {
        const users = context.getStateStore<KeyValueStore<string, ValueAndTimestamp<string>>>('users')
        for (const [user] of users.all()) context.forward(new Record(user, nominalMs, timestamp))
      },
    }
  },
}

/** A renewal for each user, whenever the schedule says, charged by a provider over HTTP. */
export function renewalsSubject(prefix: string, everyMs = 2_000): Topology {
  const builder = new StreamsBuilder()
  builder.table(`${prefix}users`, { ...TEXT, storeName: 'users', ranges: true })
  builder
    .schedule('run', { everyMs, per: 'partition' })
    .process(eachUser, { name: 'each', stores: ['users'] })
    .to(`${prefix}requests`, TIMES)
  builder
    .stream(`${prefix}requests`, TIMES)
    .mapValuesAsync(
      async (dueMs, user, { idempotencyKey = '', signal }) => {
        const headers = { 'idempotency-key': idempotencyKey }
        const url = `${process.env[PROVIDER]}/${user}/${dueMs}`
        const { ok, status } = await fetch(url, { method: 'POST', headers, signal })
        if (!ok) throw new Error(`answered ${status}`)
        return dueMs
      },
      {
        name: 'charge',
        concurrency: 32,
        timeoutMs: 5_000,
        retry: {
          backoff: exponentialBackoff({ firstMs: 50, maxMs: 1_000 }),
          giveUpAfterMs: 3_600_000,
          circuit: { openAfter: 20, probeEveryMs: 200 },
        },
      },
    )
    .to(`${prefix}renewed`, TIMES)
  return builder.build()
}

/** A provider that charges once for a key, fails 30 % of calls, half of them after it has charged. */
export class RenewalsProvider {
  /** Times that were charged, by user, in the order in which they were. */
  readonly charged = new Map<string, number[]>()
  readonly #keys = new Set<string>()
  isDown = false

  static async listen(): Promise<RenewalsProvider> {
    const provider = new RenewalsProvider()
    const server = createServer((request, response) => {
      const [, user = '', dueMs = ''] = (request.url ?? '').split('/')
      response.statusCode = provider.#charge(user, Number(dueMs), String(request.headers['idempotency-key']))
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    process.env[PROVIDER] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return provider
  }

  get charges(): number {
    return this.#keys.size
  }

  #charge(user: string, dueMs: number, key: string): number {
    if (this.isDown || Math.random() < 0.15) return 503
    if (!this.#keys.has(key)) {
      this.#keys.add(key)
      this.charged.set(user, [...(this.charged.get(user) ?? []), dueMs])
    }
    return Math.random() < 0.18 ? 504 : 200
  }
}
