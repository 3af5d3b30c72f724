import { StreamsError } from '../../../common/errors/errors.ts'
import type { Counter } from '../../../common/metrics/meter.ts'
import type { RecordContext } from '../../../common/record-context.ts'
import type { Windowed } from '../../../common/windowed.ts'
import { operatorContext } from '../../../processor/operator-context.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import { Record } from '../../../processor/record.ts'
import { changeBufferBuilder } from '../../../store/operator/change-buffer-builder.ts'
import type { ChangeBuffer } from '../../../store/operator/change-buffer.ts'
import type { ValueAndTimestamp } from '../../../store/contract/key-value-store.ts'
import { Change } from '../../kit/change.ts'
import { checkName } from '../../graph/node-name.ts'
import { closeDelayMs } from '../../kit/window-close.ts'
import type { TableHandle } from '../../kit/handles.ts'
import { invalidSuppression, type Suppressed } from '../../options/suppressed.ts'
import type { TableOperator, TableValueGetter, ValueReader } from '../../kit/table-operator.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import { addTableNode } from '../../kit/add-node.ts'
import { suppressionEmits } from '../../kit/emit-metrics.ts'
import { OperatorStreamTime } from '../../kit/operator-stream-time.ts'

interface Settings extends Suppressed<unknown> {
  readonly nodeName: string
  readonly storeName: string
  /** Time after a row's own time at which it leaves. */
  readonly delayMs: number
}

/**
 * A table whose changes wait in a buffer. Lookups find the former row of a waiting change, which operators
 * below have not seen either.
 */
class SuppressedTable implements TableOperator {
  readonly #parent: TableOperator
  readonly #settings: Settings

  constructor(parent: TableOperator, settings: Settings) {
    this.#parent = parent
    this.#settings = settings
    // Old values are needed: that of the first change in the buffer is the row before.
    parent.requestOldValues(true)
  }

  get(): Processor {
    return new Suppress(this.#settings) as Processor
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    return this.#parent.requestOldValues(mayMaterialize)
  }

  values(): TableValueGetter {
    const parent = this.#parent.values()
    const { storeName } = this.#settings
    return {
      storeNames: [storeName, ...parent.storeNames],
      reader: () => new BufferReader(storeName, parent.reader()),
    }
  }
}

/** Puts each change into the buffer, then emits rows that have waited long enough, or are too many. */
class Suppress implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #settings: Settings
  readonly #byWindow: boolean
  #context!: ProcessorContext<unknown, Change<unknown>>
  #buffer!: ChangeBuffer
  #time!: OperatorStreamTime
  #emits: Counter | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#byWindow = settings.until === 'window-closes'
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    const { storeName } = this.#settings
    this.#context = context
    const operator = operatorContext(context as ProcessorContext)
    this.#time = new OperatorStreamTime(operator, storeName)
    this.#emits = suppressionEmits(operator)
    this.#buffer = context.getStateStore(storeName)
    this.#buffer.setListener(this.#emit)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { key, value: change, timestamp } = record
    this.#time.reach(timestamp)
    const timeMs = this.#byWindow ? (key as Windowed<unknown>).window.endMs : timestamp
    this.#buffer.put(timeMs, key, change.newValue, change.oldValue, this.#context.recordContext())
    const dueMs = this.#time.currentMs - this.#settings.delayMs
    while (this.#buffer.firstTimeMs <= dueMs) this.#buffer.emitFirst()
    if (this.#isFull()) this.#makeRoom()
  }

  #makeRoom(): void {
    if (this.#settings.whenFull === 'shut-down') throw bufferFull(this.#settings, this.#buffer)
    while (this.#isFull()) this.#buffer.emitFirst()
  }

  #isFull(): boolean {
    const { recordsMax, bytesMax } = this.#settings
    return this.#buffer.count > recordsMax || this.#buffer.sizeBytes > bytesMax
  }

  readonly #emit = (
    key: unknown,
    newValue: unknown,
    oldValue: unknown,
    { timestamp, headers }: RecordContext,
  ): void => {
    // A window that was deleted before it closed was never sent: there is nothing to delete.
    if (newValue === null && this.#byWindow) return
    this.#emits?.add()
    this.#context.forward(new Record(key, new Change(newValue, oldValue), timestamp, headers))
  }
}

class BufferReader implements ValueReader {
  readonly #storeName: string
  readonly #parent: ValueReader
  #buffer!: ChangeBuffer

  constructor(storeName: string, parent: ValueReader) {
    this.#storeName = storeName
    this.#parent = parent
  }

  init(context: ProcessorContext): void {
    this.#parent.init(context)
    this.#buffer = context.getStateStore(this.#storeName)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const prior = this.#buffer.priorValue(key)
    if (prior === undefined) return this.#parent.get(key)
    // The time of the former row is not known.
    return prior === null ? undefined : { value: prior, timestamp: -1 }
  }

  close(): void {
    this.#parent.close?.()
  }
}

export function suppress<K>(table: TableHandle, suppressed: Suppressed<K>): TableHandle {
  // Out-of-order rows have no place in a buffer of last rows (KIP-914).
  if (isVersioned(table.operator)) {
    throw invalidSuppression(
      `"${table.name}" cannot be suppressed, since it or the table it is made of keeps versions: leave out historyRetentionMs, or keep the derived table in a plain store.`,
    )
  }
  const { graph, node, keySerde, valueSerde, sources } = table
  const { name: given, until, timeLimitMs, logging } = suppressed
  const delayMs = until === 'window-closes' ? closeDelayMs(node) : (timeLimitMs ?? 0)
  // A given name uses no number up, unlike elsewhere.
  const name = given === undefined ? graph.newName('KTABLE-SUPPRESS-') : checkName(given)
  const storeName = given === undefined ? graph.newStoreName('KTABLE-SUPPRESS-') : checkName(`${given}-store`)
  const settings = { ...(suppressed as Suppressed<unknown>), nodeName: name, storeName, delayMs }
  const operator = new SuppressedTable(table.operator, settings)
  const builder = changeBufferBuilder({ name: storeName, keySerde, valueSerde, logging })
  return {
    graph,
    node: addTableNode(table, name, operator, () => builder),
    name,
    keySerde,
    valueSerde,
    sources,
    operator,
    queryableStoreName: undefined,
  }
}

function bufferFull({ nodeName, recordsMax, bytesMax }: Settings, buffer: ChangeBuffer): StreamsError {
  return new StreamsError(
    'SUPPRESS_BUFFER_FULL',
    `the buffer of "${nodeName}" is full: ${buffer.count} of ${recordsMax} records, ${buffer.sizeBytes} of ${bytesMax} bytes. ` +
      'Give it more room, or make windows or their grace shorter.',
  )
}
