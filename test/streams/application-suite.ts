import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { consoleLogger, silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf } from '../support/topics.ts'

const logger = process.env['MILLRACE_TEST_LOG'] ? consoleLogger('debug') : silentLogger

function wordCount(input: string, output: string) {
  const builder = new StreamsBuilder()
  builder
    .stream(input, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .flatMapValues(line => line.split(' '))
    .groupBy(word => word, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .count({ storeName: 'counts' })
    .toStream()
    .to(output, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

/** One application of one test: topics and a group that no other test has, since a real broker is shared. */
class Stage {
  static #made = 0
  readonly #applicationId = `words-${process.pid}-${(Stage.#made += 1)}`
  readonly #lines = `${this.#applicationId}-lines`
  readonly #counts = `${this.#applicationId}-out`
  readonly #broker: Broker
  readonly #config: Partial<StreamsConfig>

  constructor(broker: Broker, config: Partial<StreamsConfig>) {
    this.#broker = broker
    this.#config = config
  }

  async prepare(): Promise<this> {
    await createTopics(this.#broker, { [this.#lines]: 3, [this.#counts]: 2 })
    return this
  }

  async start(stateDir: string): Promise<KafkaStreams> {
    const config = { applicationId: this.#applicationId, stateDir, ...this.#config }
    const topology = wordCount(this.#lines, this.#counts)
    const streams = new KafkaStreams(topology, config, { broker: this.#broker, logger })
    onTestFinished(() => streams.close())
    await streams.start()
    return streams
  }

  write(lines: readonly (readonly [key: string, line: string])[]): Promise<void> {
    return produce(this.#broker, this.#lines, 3, lines)
  }

  async counts(): Promise<{ [word: string]: number }> {
    const counts: { [word: string]: number } = {}
    for (const { key, value } of await readAll(this.#broker, this.#counts))
      counts[textOf(key)!] = int64Of(value)!
    return counts
  }

  async expectCounts(expected: { [word: string]: number }): Promise<void> {
    await eventually(async () => expect(await this.counts()).toEqual(expected), { pauseMs: 20 })
  }
}

/** What an application must do over any broker. `openBroker` makes the one of a test and sees to its end. */
export function applicationSuite(
  name: string,
  openBroker: () => Promise<Broker>,
  config: Partial<StreamsConfig>,
): void {
  const stage = async () => new Stage(await openBroker(), { commitIntervalMs: 20, ...config }).prepare()

  describe(`KafkaStreams on ${name}`, () => {
    it('counts words over a repartition topic, and shows them in its store', async () => {
      const words = await stage()
      const streams = await words.start(await temporaryDirectory())
      await words.write([
        ['1', 'to be or'],
        ['2', 'not to be'],
      ])
      await words.expectCounts({ to: 2, be: 2, or: 1, not: 1 })
      const store = streams.store<string, number>('counts')
      await eventually(() => expect(store.get('to')).toBe(2))
      await streams.close()
      expect(streams.state).toBe('not-running')
    })

    it('goes on after a clean close where it was', async () => {
      const words = await stage()
      const stateDir = await temporaryDirectory()
      for (const round of [1, 2, 3]) {
        const streams = await words.start(stateDir)
        await words.write([['k', 'a b a']])
        await words.expectCounts({ a: 2 * round, b: round })
        await streams.close()
      }
    })

    it('restores from the changelog when its disk is gone', async () => {
      const words = await stage()
      const first = await words.start(await temporaryDirectory())
      await words.write([['k', 'a b a']])
      await words.expectCounts({ a: 2, b: 1 })
      await first.close()
      await words.start(await temporaryDirectory())
      await words.write([['k', 'a']])
      await words.expectCounts({ a: 3, b: 1 })
    })

    it('shares the work among members, and hands it over when one leaves', async () => {
      const words = await stage()
      const lines = Array.from({ length: 30 }, (_, at) => [`${at}`, `w${at} all`] as const)
      const eachCounted = (times: number) =>
        Object.fromEntries([['all', 30 * times], ...lines.map((_, at) => [`w${at}`, times] as const)])
      const first = await words.start(await temporaryDirectory())
      const second = await words.start(await temporaryDirectory())
      await words.write(lines)
      await words.expectCounts(eachCounted(1))
      await first.close()
      await words.write(lines)
      await words.expectCounts(eachCounted(2))
      await second.close()
    })
  })
}
