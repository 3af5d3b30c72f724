import { createHash } from 'node:crypto'
import type { Context, MiddlewareHandler, Next } from 'hono'
import { systemClock, type Clock } from '../common/clock.ts'
import { ConfigError, errorFrom } from '../common/errors/errors.ts'
import { consoleLogger, type Logger } from '../common/logger.ts'
import { VersionConflictError } from '../patterns/key-value/key-value-error.ts'
import type { StoreRow } from '../patterns/key-value/row-map.ts'
import type { TopicStore } from '../patterns/key-value/topic-store.ts'
import { errorAnswer } from './answer.ts'
import { HttpError, RETRY_AFTER_S } from './http-error.ts'
import { keptOf, responseOf, type GivenAnswer, type IdempotentAnswer } from './stored-answer.ts'

export interface IdempotencyOptions {
  /**
   * Where answers are kept, by key, for every process that opens it: a store with
   * `writes: 'single-writer'`.
   */
  readonly store: TopicStore<string, IdempotentAnswer>
  /** How long an answer is kept. Default 24 hours. */
  readonly ttlMs?: number
  /**
   * Longest time that a handler takes. A claim of a process that has ended is worth nothing after it; a
   * handler that takes longer may run twice. Default 60,000.
   */
  readonly runMsMax?: number
  /** How long a request waits for one of its key until it is answered 409. Default 10,000; 0: at once. */
  readonly waitMs?: number
  /** Whether a request without the header is refused (400), or just carried out. Default false. */
  readonly isRequired?: boolean
  /** Whose keys they are, so that nobody gets another's answer: the user's id, say. Default: nobody's. */
  readonly scope?: (c: Context) => string
  /** Largest body that is kept. Default 256 KiB; what is larger is given once. */
  readonly answerBytesMax?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/** What a handler finds under `c.get('idempotencyKey')`: scope and key, where the request has one. */
export interface IdempotencyVariables {
  readonly idempotencyKey: string | undefined
}

const HEADER = 'idempotency-key'
const KEY_LENGTH_MAX = 255
const METHODS = ['POST', 'PATCH', 'PUT', 'DELETE']
/** Rows that each request looks at, to remove those that have expired. */
const SWEPT_ROWS = 20

/**
 * Middleware for Hono: of the requests with one `Idempotency-Key` one is carried out, and all get its answer,
 * on whichever process they arrive. The same key with another request is answered 422; one that comes while
 * the first is under way waits, then 409. Answers of 500 and above, and handlers that throw, free the key.
 * @example
 * ```ts
 * const writes = 'single-writer'
 * const store = await openKeyValueStore<string, IdempotentAnswer>('answers', { broker, writes })
 * app.use('/orders', idempotency({ store }))
 * ```
 */
export function idempotency(
  options: IdempotencyOptions,
): MiddlewareHandler<{ Variables: IdempotencyVariables }> {
  const keeper = new Idempotency(options)
  return (c, next) => keeper.handle(c as Context, next)
}

class Idempotency {
  readonly #options: Required<IdempotencyOptions>
  #sweep: Iterator<string> | undefined

  constructor(options: IdempotencyOptions) {
    const { store, ttlMs = 86_400_000, runMsMax = 60_000, waitMs = 10_000, isRequired = false } = options
    const { answerBytesMax = 262_144, clock = systemClock, logger = consoleLogger('info') } = options
    const { scope = () => '' } = options
    const wholes = { ttlMs, runMsMax, waitMs: waitMs + 1, answerBytesMax: answerBytesMax + 1 }
    for (const [name, value] of Object.entries(wholes)) {
      if (Number.isSafeInteger(value) && value >= 1) continue
      const given = options[name as 'ttlMs']
      throw new ConfigError(
        'INVALID_OPTION',
        `${name} is ${String(given)}: it must be a whole number that is not negative`,
      )
    }
    this.#options = { store, ttlMs, runMsMax, waitMs, isRequired, answerBytesMax, scope, clock, logger }
  }

  async handle(c: Context, next: Next): Promise<Response | void> {
    const given = c.req.header(HEADER)
    if (!METHODS.includes(c.req.method)) return next()
    if (given === undefined && !this.#options.isRequired) return next()
    try {
      const id = this.#idOf(c, given)
      c.set('idempotencyKey', id)
      return await this.#answer(c, next, { id, request: await digestOf(c) })
    } catch (error) {
      const known = httpErrorOf(error)
      if (!known) throw error
      return errorAnswer(known, { 'cache-control': 'no-store' })
    }
  }

  /** Carries the request out, or waits for whoever does. */
  async #answer(c: Context, next: Next, asked: Asked): Promise<Response | void> {
    const { store, waitMs, clock } = this.#options
    const deadlineMs = clock.monotonicMs() + waitMs
    for (;;) {
      const entry = this.#live(store.entry(asked.id))
      if (!entry) {
        const version = await this.#claim(asked)
        if (version !== undefined) return this.#run(c, next, { ...asked, version })
      } else if (entry.request !== asked.request) {
        throw anotherRequest()
      } else if (entry.status !== null) {
        return given(entry)
      } else {
        const leftMs = deadlineMs - clock.monotonicMs()
        if (leftMs <= 0) throw underWay()
        await this.#changed(asked.id, Math.min(leftMs, Math.max(0, entry.expiresMs - clock.nowMs()) + 1))
      }
    }
  }

  /** The version of the claim; undefined where another request was first. */
  async #claim({ id, request }: Asked): Promise<number | undefined> {
    const { store, runMsMax, clock } = this.#options
    this.#removeExpired()
    const expectedVersion = store.entry(id)?.version ?? 0
    const claim = { v: 1, request, status: null, expiresMs: clock.nowMs() + runMsMax } as const
    return this.#write(() => store.put(id, claim, { expectedVersion }))
  }

  async #run(
    c: Context,
    next: Next,
    claimed: Asked & { readonly version: number },
  ): Promise<Response | void> {
    const { store, ttlMs, answerBytesMax, clock } = this.#options
    const { id, request, version: expectedVersion } = claimed
    try {
      await next()
    } catch (error) {
      await this.#settle(id, () => store.delete(id, { expectedVersion }))
      throw error
    }
    // Hono has answered for a handler that threw.
    if (c.error || c.res.status >= 500) {
      await this.#settle(id, () => store.delete(id, { expectedVersion }))
      return
    }
    const kept = await keptOf(c.res, answerBytesMax)
    const answer = { v: 1, request, expiresMs: clock.nowMs() + ttlMs, ...kept } as const
    await this.#settle(id, () => store.put(id, answer, { expectedVersion }))
  }

  /** The client gets its answer, whether or not it can be kept for a second one. */
  async #settle(id: string, write: () => Promise<number>): Promise<void> {
    try {
      if ((await this.#write(write)) !== undefined) return
      this.#options.logger.log(
        'warn',
        `the request with the idempotency key ${id} took longer than runMsMax, and may have been carried out twice`,
      )
    } catch (error) {
      const { message } = errorFrom(error)
      this.#options.logger.log('error', `the answer of the idempotency key ${id} was not kept: ${message}`)
    }
  }

  /** Undefined where another write came first. */
  async #write(write: () => Promise<number>): Promise<number | undefined> {
    try {
      return await write()
    } catch (error) {
      if (error instanceof VersionConflictError) return undefined
      throw error
    }
  }

  #live(row: StoreRow<string, IdempotentAnswer> | undefined): IdempotentAnswer | undefined {
    return row && row.value.expiresMs > this.#options.clock.nowMs() ? row.value : undefined
  }

  /** Resolves when the row changes, or after the time. */
  async #changed(id: string, limitMs: number): Promise<void> {
    const { store, clock } = this.#options
    const over = new AbortController()
    const subscription = store.changes.subscribe({
      next: ({ key }) => key === id && over.abort(),
      complete: () => over.abort(),
    })
    await clock.sleep(limitMs, over.signal)
    subscription.unsubscribe()
  }

  /** A few rows each time, so that no request pays for many. Whoever is late finds another version. */
  #removeExpired(): void {
    const { store } = this.#options
    for (let n = 0; n < SWEPT_ROWS; n += 1) {
      const { value: id, done } = (this.#sweep ??= store.keys()).next()
      if (done) return void (this.#sweep = undefined)
      const row = store.entry(id)
      if (!row || this.#live(row)) continue
      this.#write(() => store.delete(id, { expectedVersion: row.version })).catch(() => undefined)
    }
  }

  #idOf(c: Context, given: string | undefined): string {
    // The header is a string of structured fields by its draft: in quotation marks, which most leave out.
    const key = given?.replace(/^"(.*)"$/, '$1') ?? ''
    if (key !== '' && key.length <= KEY_LENGTH_MAX) return `${this.#options.scope(c)}/${key}`
    throw new HttpError(
      400,
      'BAD_IDEMPOTENCY_KEY',
      `the header Idempotency-Key must have 1 to ${KEY_LENGTH_MAX} characters: a UUID made once for the operation, and sent with each try`,
    )
  }
}

interface Asked {
  readonly id: string
  readonly request: string
}

/** Of all that the client has chosen. The body stays readable for the handler. */
async function digestOf(c: Context): Promise<string> {
  const { pathname, search } = new URL(c.req.url)
  const head = JSON.stringify([c.req.method, pathname, search, c.req.header('content-type') ?? ''])
  return createHash('sha256')
    .update(head)
    .update(new Uint8Array(await c.req.arrayBuffer()))
    .digest('base64')
}

function given(answer: GivenAnswer): Response {
  if (answer.body !== null) return responseOf(answer)
  throw new HttpError(
    409,
    'ANSWER_NOT_KEPT',
    'the request with this Idempotency-Key was carried out, and its answer was too large to be kept',
  )
}

function anotherRequest(): HttpError {
  return new HttpError(
    422,
    'IDEMPOTENCY_KEY_REUSED',
    'another request came with this Idempotency-Key before: each operation needs a key of its own',
  )
}

function underWay(): HttpError {
  return new HttpError(
    409,
    'REQUEST_UNDER_WAY',
    'a request with this Idempotency-Key is being carried out: ask again with the same key',
    { headers: { 'retry-after': String(RETRY_AFTER_S) } },
  )
}

/** A store that cannot be asked yet, or not any more, or does not answer. */
const PASSING = ['NOT_READY', 'STORE_NOT_AVAILABLE', 'CLOSED', 'KEY_VALUE_WRITE_TIMEOUT']

function httpErrorOf(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error
  const { code } = error as { readonly code?: unknown }
  if (typeof code !== 'string' || !PASSING.includes(code)) return undefined
  return new HttpError(
    503,
    'STORE_NOT_AVAILABLE',
    `the store of idempotency keys cannot be asked: ${errorFrom(error).message}`,
    { headers: { 'retry-after': String(RETRY_AFTER_S) } },
  )
}
