import type { BuildOptions, Optimization } from '../../lib/dsl/options/build-options.ts'
import { continueOnError, failOnError } from '../../lib/processor/error-handlers.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import type { Case } from './case.ts'
import { Unsupported } from './case.ts'
import { serdeOf } from './serdes.ts'
import { timestampExtractor } from './timestamp-extractors.ts'

const GUARANTEES: { readonly [name: string]: 'at-least-once' | 'exactly-once' } = {
  at_least_once: 'at-least-once',
  exactly_once_v2: 'exactly-once',
}

/**
 * The settings of a case, whose names are those of Kafka Streams. Throws `Unsupported` for those that are not
 * there yet.
 */
export function settingsOf(test: Case): StreamsConfig {
  const config = {
    'application.id': 'oracle',
    'statestore.cache.max.bytes': 0,
    'default.key.serde': 'string',
    'default.value.serde': 'string',
    ...test.config,
  }
  return Object.assign(
    {},
    ...Object.entries(config).map(([name, value]) => setting(name, value)),
  ) as StreamsConfig
}

/** The settings that `StreamsBuilder.build` takes here. */
export function buildOptionsOf(test: Case): BuildOptions {
  const words = String(test.config?.['topology.optimization'] ?? 'none')
  return {
    optimization: words === 'none' || words === 'all' ? words : (words.split(/, */) as Optimization[]),
    ensureExplicitInternalResourceNaming: test.config?.['ensure.explicit.internal.resource.naming'] === true,
  }
}

function setting(name: string, value: unknown): Partial<StreamsConfig> {
  const found = SETTINGS[name]
  if (found) return found(value)
  throw new Unsupported(`setting ${name}`)
}

const SETTINGS: { readonly [name: string]: (value: unknown) => Partial<StreamsConfig> } = {
  'application.id': value => ({ applicationId: String(value) }),
  'statestore.cache.max.bytes': value => ({ cacheBytesMax: Number(value) }),
  'default.key.serde': value => ({ defaultKeySerde: serdeOf(String(value)) }),
  'default.value.serde': value => ({ defaultValueSerde: serdeOf(String(value)) }),
  'default.timestamp.extractor': value => ({ defaultTimestampExtractor: timestampExtractor(String(value)) }),
  'deserialization.exception.handler': value => ({ deserializationErrorHandler: handler(value) }),
  'processing.exception.handler': value => ({ processingErrorHandler: handler(value) }),
  'errors.dead.letter.queue.topic.name': value => ({ deadLetterQueueTopic: String(value) }),
  'max.task.idle.ms': value => ({ maxTaskIdleMs: Number(value) }),
  'processing.guarantee': value => ({ processingGuarantee: GUARANTEES[String(value)] ?? 'at-least-once' }),
  // Both belong to `build`: see buildOptionsOf.
  'topology.optimization': () => ({}),
  'ensure.explicit.internal.resource.naming': () => ({}),
  'dsl.store.format': value => ({ dslStoreFormat: value === 'HEADERS' ? 'headers' : 'default' }),
  // Decides the kind of store that tables get: see program.ts.
  'dsl.store.suppliers.class': () => ({}),
}

function handler(value: unknown): typeof failOnError {
  return value === 'continue' ? continueOnError : failOnError
}
