import {
  errorFrom,
  StateDirectoryError,
  StreamsError,
  TaskCorruptedError,
} from '../../common/errors/errors.ts'
import type { Engine, EngineLoad, EngineRange } from '../../store/engine/engine.ts'
import type { WriteBatch } from '../../store/engine/write-batch.ts'
import type { StateHealth } from './state-health.ts'

/**
 * The engine on disk of one task. Errors of LevelDB become errors of the runtime here, so that no handler of
 * user code is asked about them: damage makes the task corrupted, and is remembered by the directory, which
 * wipes the state before it is opened again.
 */
export class StateEngine implements Engine {
  readonly persistent = true
  readonly #engine: Engine
  readonly #health: StateHealth
  #failure: Error | undefined

  constructor(engine: Engine, health: StateHealth) {
    this.#engine = engine
    this.#health = health
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#engine.get(key)
    } catch (error) {
      throw this.#failed(error)
    }
  }

  entries(range: EngineRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    // The snapshot is taken now, at the call, not at the first read.
    return this.#watchedRows(this.#engine.entries(range))
  }

  write(batch: WriteBatch): Promise<void> {
    return this.#written(this.#engine.write(batch))
  }

  prepareFor(load: EngineLoad): Promise<void> {
    return this.#written(this.#engine.prepareFor(load))
  }

  clear(range: EngineRange): Promise<void> {
    return this.#written(this.#engine.clear(range))
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  committed(): void {
    this.#health.committed()
  }

  /**
   * Notes that the content does not belong to its topics: the directory removes it before it is opened again.
   */
  unfit(error: Error): void {
    this.#health.unfit(error)
  }

  /** Throws the error of an earlier read or write, which user code that called the store may have caught. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure
  }

  async *#watchedRows<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* rows
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /**
   * Makes a failed write the end of the engine: committed state is missing, and nothing may be written behind
   * it.
   */
  async #written(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      const failure = this.#failed(error)
      if (failure instanceof StreamsError) throw failure
      const { what } = this.#health
      const cut = new TaskCorruptedError(`${what}: state was not written: ${errorFrom(error).message}`, {
        cause: error,
      })
      throw (this.#failure ??= cut)
    }
  }

  #failed(error: unknown): unknown {
    if (error instanceof StateDirectoryError) return (this.#failure ??= error)
    if (!(error instanceof TaskCorruptedError)) return error
    const { what } = this.#health
    const named = new TaskCorruptedError(`${what}: ${error.message}`, { cause: error })
    this.#failure ??= named
    this.#health.damaged(named)
    return named
  }
}
