import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Record } from '../../lib/processor/record.ts'
import type {
  VersionedKeyValueStore,
  VersionedRecord,
} from '../../lib/store/contract/versioned-key-value-store.ts'
import { printed } from './serdes.ts'

interface Scope {
  readonly context: ProcessorContext
  store(): object
}

type Step = (record: Record<unknown, unknown>, scope: Scope) => void

/** The library's processors at work on a versioned store. */
export const VERSIONED_STEPS: { readonly [name: string]: Step } = {
  'proc.put': (record, { store }) => versioned(store()).put(record.key, record.value, record.timestamp),
  'proc.get': (record, { context, store }) => {
    const found = versioned(store()).get(record.key)
    context.forward(record.withValue(`${printed(record.value)}=${shown(found)}`))
  },
  'proc.asOf': (record, { context, store }) => {
    const found = versioned(store()).getAsOf(record.key, Number(record.value))
    context.forward(record.withValue(shown(found)))
  },
  'proc.delete': (record, { context, store }) => {
    const found = versioned(store()).delete(record.key, record.timestamp)
    context.forward(record.withValue(shown(found)))
  },
}

function versioned(store: object): VersionedKeyValueStore<unknown, unknown> {
  return store as VersionedKeyValueStore<unknown, unknown>
}

/**
 * Without `validToMs`, which Kafka Streams loses on its way to the user: its layers hand a version on as a
 * value with a timestamp.
 */
function shown(found: VersionedRecord<unknown> | undefined): string {
  return found ? `${printed(found.value)}@${found.timestamp}` : 'null'
}
