import type { Serde } from '../../serde/serde.ts'
import type { StoreBuilder } from '../contract/state-store.ts'
import { validStoreName } from '../contract/store-name.ts'
import { UnmatchedRecords } from './unmatched-records.ts'

/** Options of the store. Serdes left out are the application's. */
export interface UnmatchedRecordsOptions {
  readonly name: string
  readonly keySerde: Serde<unknown> | undefined
  readonly leftSerde: Serde<unknown> | undefined
  readonly rightSerde: Serde<unknown> | undefined
  readonly persistent: boolean
  readonly logging: false | { readonly config?: { readonly [name: string]: string } } | undefined
}

export function unmatchedRecordsBuilder(options: UnmatchedRecordsOptions): StoreBuilder<UnmatchedRecords> {
  const { keySerde, leftSerde, rightSerde, persistent, logging } = options
  const name = validStoreName(options.name)
  return {
    name,
    kind: 'list of unmatched records',
    persistent,
    changelog: logging === false ? undefined : { config: logging?.config ?? {}, cleanupPolicy: 'compact' },
    caching: false,
    build: () => new UnmatchedRecords({ name, keySerde, leftSerde, rightSerde }),
  }
}
