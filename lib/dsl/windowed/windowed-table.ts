import type { Windowed } from '../../common/windowed.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import type { TimestampedWindowStore } from '../../store/contract/window-store.ts'
import type { Aggregator, Initializer } from '../options/functions.ts'
import type { TableOperator, TableValueGetter, ValueReader } from '../kit/table-operator.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/** Settings of every windowed aggregation. */
export interface WindowedAggregation<K, V, A> {
  readonly storeName: string
  /** Id of the operator, unique in the task: its times are kept under it across restarts. */
  readonly id: string
  readonly emit: EmitStrategy
  readonly initializer: Initializer<A>
  readonly aggregator: Aggregator<K, V, A>
}

/**
 * A table by key and window, in a store that it always has. `makeProcessor` is told whether an operator below
 * asks for old values.
 */
export class WindowedTable implements TableOperator {
  readonly #values: TableValueGetter
  readonly #makeProcessor: (sendOldValues: boolean) => Processor
  /** Time after its end at which a window closes; set by the operator, which knows the windows. */
  closeDelayMs: number | undefined
  #sendOldValues = false

  constructor(values: TableValueGetter, makeProcessor: (sendOldValues: boolean) => Processor) {
    this.#values = values
    this.#makeProcessor = makeProcessor
  }

  get(): Processor {
    return this.#makeProcessor(this.#sendOldValues)
  }

  requestOldValues(): boolean {
    this.#sendOldValues = true
    return true
  }

  values(): TableValueGetter {
    return this.#values
  }
}

export function windowStoreValues(storeName: string): TableValueGetter {
  return { storeNames: [storeName], reader: () => new WindowReader(storeName) }
}

class WindowReader implements ValueReader {
  readonly #storeName: string
  #store!: TimestampedWindowStore<unknown, unknown>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(this.#storeName)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const windowed = key as Windowed<unknown>
    return this.#store.fetch(windowed.key, windowed.window.startMs)
  }
}
