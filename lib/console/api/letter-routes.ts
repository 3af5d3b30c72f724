import { Buffer } from 'node:buffer'
import type { Context } from 'hono'
import type { TopologyPlan } from '../../topology/plan.ts'
import { ConfigError } from '../../common/errors/errors.ts'
import { utf8 } from '../../common/bytes.ts'
import { jsonText } from '../../http/json-text.ts'
import { HttpError, badParameter } from '../../http/http-error.ts'
import { Query } from '../../http/query.ts'
import type { DeadLetters, ListedLetter } from '../../patterns/letters/dead-letters.ts'
import { LETTER_REASONS, type LetterFilter } from '../../patterns/letters/letter-filter.ts'
import type { LetterActionResult } from '../../patterns/letters/letter-run.ts'
import type { Letter, LetterReason } from '../../processor/letter.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import { badBody, textOf as bodyText, type ApiRoutes, type JsonBody } from './api-routes.ts'
import type { ConsoleApplication } from './console-parts.ts'
import { RecordDecoder } from './record-decoder.ts'
import { textOf } from './record-view.ts'

const PARAMETERS = ['operator', 'key', 'reason', 'limit', 'all'] as const
const LIMIT = { least: 1, most: 1_000, byDefault: 100 }
const BY = 'the console'

/** The dead letters of an application: looked at, replayed, purged, downloaded, and corrected. */
export function addLetterRoutes(routes: ApiRoutes, application: ConsoleApplication): void {
  const letters = new ConsoleLetters(application)
  routes.get('/letters', c => letters.list(c))
  routes.get('/letters/export', c => letters.exported(c))
  routes.post('/letters/replay', body => letters.replay(body))
  routes.post('/letters/purge', body => letters.purge(body))
  routes.post('/letters/correct', body => letters.correct(body))
}

class ConsoleLetters {
  readonly #application: ConsoleApplication

  constructor(application: ConsoleApplication) {
    this.#application = application
  }

  async list(c: Context): Promise<object> {
    const query = new Query(c.req.queries(), PARAMETERS)
    const limit = query.integer('limit', LIMIT)
    const { operators } = this.#client
    const letters: object[] = []
    let total = 0
    if (this.#hasBoxes) {
      // The newest are last.
      for await (const listed of this.#client.list(this.#filterOf(query), { all: query.flag('all') })) {
        total += 1
        letters.push(this.#view(listed))
        if (letters.length > limit) letters.shift()
      }
    }
    return { operators, letters: letters.reverse(), total }
  }

  /** One line of JSON a letter, as a file. */
  async exported(c: Context): Promise<Response> {
    const query = new Query(c.req.queries(), PARAMETERS)
    const listed = this.#client.list(this.#filterOf(query), { all: query.flag('all') })
    const view = (each: ListedLetter) => Buffer.from(`${jsonText(this.#view(each))}\n`)
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await listed.next()
        if (done) controller.close()
        else controller.enqueue(view(value))
      },
      async cancel() {
        await listed.return()
      },
    })
    const name = `${this.#application.plan.applicationId}-letters.ndjson`
    const headers = {
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`,
      'cache-control': 'no-store',
    }
    return new Response(body, { headers })
  }

  async replay(body: JsonBody): Promise<object> {
    return done(await this.#client.replay(this.#wanted(body), optionsOf(body)))
  }

  async purge(body: JsonBody): Promise<object> {
    return done(await this.#client.purge(this.#wanted(body), optionsOf(body)))
  }

  /** Replays one letter with another value, in one transaction with its entry in the ledger. */
  async correct(body: JsonBody): Promise<object> {
    const id = bodyText(body, 'id')
    const operator = bodyText(body, 'operator')
    if (id === undefined || !('value' in body)) throw badBody('"id" and "value" must be there')
    const letter = await this.#find({ operator, ids: [id] })
    const value = this.#bytesOf(letter, body['value'])
    return done(await this.#client.replay({ operator: letter.operator, ids: [id] }, { value }))
  }

  async #find(filter: LetterFilter): Promise<Letter> {
    for await (const { letter } of this.#client.list(filter)) return letter
    throw new HttpError(404, 'UNKNOWN_LETTER', 'there is no such letter about which nothing was done yet')
  }

  #bytesOf({ topic = '' }: Letter, value: unknown): Uint8Array | null {
    if (value === null) return null
    const serde = this.#sourceSerde(topic)
    if (!serde) return utf8(textOf(value))
    try {
      return serde.serialize(value, { topic })
    } catch (error) {
      throw badBody(`"value" is none that ${topic} can hold: ${(error as Error).message}`)
    }
  }

  #sourceSerde(topic: string) {
    const { plan, config } = this.#application
    const nodes = plan.subtopologies.flatMap(({ nodes }) => nodes)
    const source = nodes.find(node => node.kind === 'source' && node.topics.includes(topic))
    return source?.kind === 'source' ? resolveSerde(source.valueSerde, config.defaultValueSerde) : undefined
  }

  #view({ letter, state, done: entry, place }: ListedLetter): object {
    const { id, operator, reason, attempts, topic, partition, offset, timestamp } = letter
    const { firstFailedMs, lastFailedMs, lastError, key, value, headers } = letter
    const decoder = new RecordDecoder(topic ?? place.topic, [this.#application])
    const record = { key, value, timestamp, offset, headers }
    return {
      id,
      operator,
      reason,
      attempts,
      key: textOf(decoder.shown(record, 'key').value),
      value: decoder.shown(record, 'value').value,
      valueFormat: decoder.shown(record, 'value').format,
      topic: topic ?? null,
      partition,
      offset,
      timestampMs: timestamp,
      firstFailedMs,
      lastFailedMs,
      error: lastError,
      state: state === 'open' ? 'dead' : state,
      done: entry ? { atMs: entry.at, by: entry.by } : null,
      place,
    }
  }

  get #client(): DeadLetters {
    return this.#application.streams.deadLetters({ by: BY })
  }

  /** An application without any has none to ask about, which is no error of whoever looks. */
  get #hasBoxes(): boolean {
    const { plan, config } = this.#application
    return config.deadLetterQueueTopic !== undefined || hasRetry(plan)
  }

  #filterOf(query: Query): LetterFilter {
    return this.#filter({
      operator: query.text('operator'),
      key: query.text('key'),
      reason: query.text('reason'),
      ids: undefined,
    })
  }

  /** Nobody acts on all letters of all operators by leaving everything out. */
  #wanted(body: JsonBody): LetterFilter {
    const { ids } = body
    if (ids !== undefined && !(Array.isArray(ids) && ids.every(each => typeof each === 'string')))
      throw badBody('"ids" must be an array of texts')
    const operator = bodyText(body, 'operator')
    const key = bodyText(body, 'key')
    const reason = bodyText(body, 'reason')
    if (operator === undefined && ids === undefined)
      throw badBody('say which letters: "operator", "ids", and with an operator "key" or "reason"')
    return this.#filter({ operator, key, reason, ids })
  }

  #filter({
    operator,
    key,
    reason,
    ids,
  }: {
    readonly operator: string | undefined
    readonly key: string | undefined
    readonly reason: string | undefined
    readonly ids: readonly string[] | undefined
  }): LetterFilter {
    if (reason !== undefined && !(LETTER_REASONS as readonly string[]).includes(reason))
      throw badParameter('reason', `there are ${LETTER_REASONS.join(', ')}`)
    return {
      operator,
      ids,
      reason: reason as LetterReason | undefined,
      where: key === undefined ? undefined : letter => this.#keyText(letter) === key,
    }
  }

  #keyText({ topic, key, value, timestamp, offset, headers }: Letter): string {
    const decoder = new RecordDecoder(topic ?? '', [this.#application])
    return textOf(decoder.shown({ key, value, timestamp, offset, headers }, 'key').value)
  }
}

function hasRetry({ subtopologies }: TopologyPlan): boolean {
  return subtopologies.some(({ nodes }) => nodes.some(node => node.kind === 'processor' && node.ownTopics))
}

function optionsOf(body: JsonBody): {
  readonly dryRun: boolean
  readonly force: boolean
  readonly now: boolean
} {
  const flag = (name: string) => {
    const value = body[name] ?? false
    if (typeof value === 'boolean') return value
    throw new ConfigError('INVALID_OPTION', `"${name}" must be true or false`)
  }
  return { dryRun: flag('dryRun'), force: flag('force'), now: flag('now') }
}

function done({ letters, left, homeless }: LetterActionResult): object {
  return { letters: letters.length, left, homeless: homeless.length, ids: letters.map(({ id }) => id) }
}
