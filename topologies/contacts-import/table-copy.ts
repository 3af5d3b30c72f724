import {
  serdes,
  stores,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type Record,
  type StoreBuilder,
} from 'millrace'
import type { Contact, ImportSummary, RowFailure } from './records.ts'

/**
 * Copies of the tables, all of them in every process, on its disk: any process answers for all. Without
 * `ranges`, since only reads from outside iterate: 1,000,000 contacts take no memory.
 */
export const tableCopies = {
  contacts: copyOf<Contact>('contacts-table'),
  imports: copyOf<ImportSummary>('imports-table'),
  failures: copyOf<RowFailure>('failures-table'),
}

/** Puts every record into the store of that name. */
export class CopyTable<V> implements Processor<string, V | null> {
  readonly #name: string
  #store: KeyValueStore<string, V> | undefined

  constructor(name: string) {
    this.#name = name
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(this.#name)
  }

  process({ key, value }: Record<string, V | null>): void {
    this.#store!.put(key, value)
  }
}

function copyOf<V>(name: string): StoreBuilder<KeyValueStore<string, V>> {
  return stores.keyValueStore<string, V>({
    name,
    keySerde: serdes.string(),
    valueSerde: serdes.json(),
    ranges: false,
  })
}
