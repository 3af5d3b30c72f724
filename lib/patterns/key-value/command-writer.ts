import { Buffer } from 'node:buffer'
import { bytesToMapKey, utf8 } from '../../common/bytes.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import { encodeAnswer, readCommand, rowHeaders, type Answer, type Command } from './key-value-format.ts'

type Bytes = Uint8Array | null

/** What the writer keeps: under `v` and a key its row's version, under `a` and an id the answer. */
export type WriterState = KeyValueStore<string, StoredAnswer | StoredVersion>

interface StoredVersion {
  readonly version: number
}

interface StoredAnswer extends Answer {
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

export interface CommandWriterOptions {
  readonly topic: string
  readonly storeName: string
  /** Names of the sinks. */
  readonly rows: string
  readonly answers: string
  /** Milliseconds for which a command that comes again is known, by its id. */
  readonly answersKeptMs: number
}

/** Under this key the highest version given so far: versions grow even over deletions. */
const LAST = 'last'
const ROW = 'v'
const ANSWER = 'a'
const BEHIND_ANSWERS = 'b'
const PURGE_MS = 60_000

/**
 * The single writer of a store: all commands for a key come to one task, which decides on each by what it has
 * written so far. The row, the answer, and what the task remembers of both become true together.
 */
export class CommandWriter implements Processor<Bytes, Bytes, Uint8Array, Bytes> {
  readonly #options: CommandWriterOptions
  #context!: ProcessorContext<Uint8Array, Bytes>
  #state!: WriterState
  #startedMs = 0
  #accepted!: Counter
  #conflicted!: Counter
  #repeated!: Counter
  #refused!: Counter

  constructor(options: CommandWriterOptions) {
    this.#options = options
  }

  init(context: ProcessorContext<Uint8Array, Bytes>): void {
    const { storeName, topic } = this.#options
    this.#context = context
    this.#state = context.getStateStore<WriterState>(storeName)
    this.#startedMs = context.currentSystemTimeMs()
    const counter = (name: string) => context.metrics.counter(name, { topic }, METRIC_GROUPS.own)
    this.#accepted = counter('key-value-commands-accepted-total')
    this.#conflicted = counter('key-value-commands-conflicted-total')
    this.#repeated = counter('key-value-commands-repeated-total')
    this.#refused = counter('key-value-commands-refused-total')
    context.schedule({ intervalMs: PURGE_MS, type: 'wall-clock-time' }, nowMs => this.#purge(nowMs))
  }

  process(record: Record<Bytes, Bytes>): void {
    const command = readCommand(record.headers)
    const { key } = record
    if (!command || key === null) return this.#refuse()
    const known = this.#state.get(ANSWER + command.id) as StoredAnswer | undefined
    if (known) {
      this.#repeated.add()
      return this.#answer(command, known)
    }
    const answer = this.#decide(key, record, command)
    const atMs = this.#context.currentSystemTimeMs()
    this.#state.put(ANSWER + command.id, { ...answer, atMs })
    this.#answer(command, answer)
  }

  #decide(key: Uint8Array, { value, timestamp, headers }: Record<Bytes, Bytes>, command: Command): Answer {
    const row = ROW + bytesToMapKey(key)
    const present = this.#state.get(row)?.version ?? 0
    const { expectedVersion = present } = command
    if (expectedVersion !== present) {
      this.#conflicted.add()
      return { isAccepted: false, version: present }
    }
    const version = (this.#state.get(LAST)?.version ?? 0) + 1
    this.#state.put(LAST, { version })
    this.#state.put(row, value === null ? null : { version })
    // The key lies in the memory of a fetch, and is kept by whoever reads the record.
    const written = new Record(key, value, timestamp, rowHeaders(headers, version))
    this.#context.forward(written, this.#options.rows)
    this.#accepted.add()
    return { isAccepted: true, version }
  }

  /** Sends an answer, though it may have been sent before: that one may have been lost. */
  #answer({ id }: Command, answer: Answer): void {
    const timestamp = this.#context.currentSystemTimeMs()
    const record = new Record(utf8(id), Buffer.from(encodeAnswer(answer)), timestamp)
    this.#context.forward(record, this.#options.answers)
    // Somebody waits; commands that came together share the commit.
    this.#context.commit()
  }

  #refuse(): void {
    this.#refused.add()
    const { partition = -1, offset = -1 } = this.#context.recordMetadata() ?? {}
    const { topic } = this.#options
    const message = `a record of the commands of "${topic}" is left out (partition ${partition}, offset ${offset}): it is no command`
    this.#context.logger.log('error', message)
  }

  /**
   * Forgets answers that are old. Time in which no writer ran does not count: what was sent again before that
   * is still to come.
   */
  #purge(nowMs: number): void {
    const { answersKeptMs } = this.#options
    if (nowMs - this.#startedMs < answersKeptMs) return
    for (const [key, stored] of this.#state.range(ANSWER, BEHIND_ANSWERS)) {
      if (nowMs - (stored as StoredAnswer).atMs >= answersKeptMs) this.#state.delete(key)
    }
  }
}
