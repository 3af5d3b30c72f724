import { checkTimeouts } from '../broker/timeout-orders.ts'
import { ConfigError } from '../common/errors/errors.ts'
import { failOnError } from '../processor/error-handlers.ts'
import { failOnInvalidTimestamp } from '../processor/timestamp-extractor.ts'
import type { RuntimeSettings } from '../runtime/plan/settings.ts'
import type { PlanOptions } from '../topology/plan-topology.ts'
import { nearest } from '../common/nearest-name.ts'

/**
 * The settings that a user gives: the application's id, and those that differ from the defaults. Plain data
 * but for serdes and handlers.
 */
export type StreamsConfig = Pick<RuntimeSettings, 'applicationId'> & Partial<RuntimeSettings>

interface Rule {
  /** Description of legal values, for the message, and a check of them. */
  readonly must: string
  readonly holds: (value: unknown) => boolean
}

const MIB = 1024 * 1024
const SETTING_NAMES_OF_JVM = /[._-](\w)/g

const whole = (least: number): Rule => ({
  must: `a whole number of at least ${least}`,
  holds: value => Number.isSafeInteger(value) && (value as number) >= least,
})
const oneOf = (...words: string[]): Rule => ({
  must: words.map(word => `'${word}'`).join(' or '),
  holds: value => words.includes(value as string),
})
const text: Rule = {
  must: 'a string that is not empty',
  holds: value => typeof value === 'string' && value !== '',
}
const flag: Rule = { must: 'true or false', holds: value => typeof value === 'boolean' }
const callback: Rule = { must: 'a function', holds: value => typeof value === 'function' }
const serde: Rule = {
  must: 'a serde, such as serdes.string()',
  holds: value =>
    value === undefined || typeof (value as { serialize?: unknown } | null)?.serialize === 'function',
}
const topicName: Rule = {
  must: 'letters, digits, ".", "_" or "-", at most 200 of them',
  holds: value => typeof value === 'string' && /^[A-Za-z0-9._-]{1,200}$/.test(value),
}

function isNewTopic(value: unknown): boolean {
  const { topic, partitionCount } = (value ?? {}) as { topic?: unknown; partitionCount?: unknown }
  return topicName.holds(topic) && whole(1).holds(partitionCount)
}

const RULES: { readonly [name in keyof RuntimeSettings]: Rule } = {
  applicationId: topicName,
  clientId: text,
  stateDir: text,
  processingGuarantee: oneOf('exactly-once', 'at-least-once'),
  commitIntervalMs: whole(0),
  uncommittedBytesMax: whole(1),
  cacheBytesMax: whole(0),
  readCacheBytesMax: whole(0),
  changelogCoalescing: flag,
  dslStoreFormat: oneOf('default', 'headers'),
  contextHeaders: {
    must: "an array of names of headers, such as ['traceparent']",
    holds: value => Array.isArray(value) && value.every(text.holds),
  },
  asyncContext: flag,
  tracing: oneOf('auto', 'off'),
  bufferedRecordsPerPartition: whole(1),
  maxPollRecords: whole(1),
  maxTaskIdleMs: whole(-1),
  transactionTimeoutMs: whole(1),
  taskTimeoutMs: whole(0),
  stateCleanupDelayMs: whole(1),
  positionIntervalMs: whole(1),
  emitIntervalMs: whole(0),
  repartitionPurgeIntervalMs: whole(1),
  windowStoreChangelogAdditionalRetentionMs: whole(0),
  metricsRecordingLevel: oneOf('info', 'debug'),
  metricsSampleWindowMs: whole(1),
  metadataIntervalMs: whole(1),
  replicationFactor: {
    must: '-1 (the broker decides) or a whole number of at least 1',
    holds: value => value === -1 || whole(1).holds(value),
  },
  groupProtocol: oneOf('classic', 'consumer'),
  // This interval is checked before the session timeout, whose default gives way to it.
  pollIntervalMsMax: whole(1),
  sessionTimeoutMs: whole(1),
  topics: {
    must: "an array of { topic, partitionCount }, such as [{ topic: 'orders', partitionCount: 4 }]",
    holds: value => Array.isArray(value) && value.every(isNewTopic),
  },
  offsetReset: oneOf('earliest', 'latest', 'none'),
  logTruncated: oneOf('offset-reset', 'diverging-offset'),
  offsetsLost: oneOf('fail', 'accept'),
  changelogLost: oneOf('fail', 'accept'),
  repartitionLost: oneOf('continue', 'fail'),
  defaultKeySerde: serde,
  defaultValueSerde: serde,
  defaultTimestampExtractor: callback,
  deadLetterQueueTopic: {
    must: topicName.must,
    holds: value => value === undefined || topicName.holds(value),
  },
  deserializationErrorHandler: callback,
  processingErrorHandler: callback,
  productionErrorHandler: callback,
}

/**
 * The complete settings. Throws `ConfigError`: `UNKNOWN_SETTING` (naming the nearest one), `INVALID_SETTING`,
 * `MISSING_SETTING`, `CONFLICTING_SETTINGS`.
 */
export function resolveConfig(config: StreamsConfig): RuntimeSettings {
  checkNames(config)
  if (config.applicationId === undefined) {
    throw new ConfigError(
      'MISSING_SETTING',
      'applicationId is missing: it names the group, the internal topics and the state',
    )
  }
  const settings: RuntimeSettings = { ...defaultsFor(config), ...config }
  for (const [name, rule] of Object.entries(RULES)) {
    const value = settings[name as keyof RuntimeSettings]
    if (!rule.holds(value)) {
      throw new ConfigError('INVALID_SETTING', `${name} is ${show(value)}: it must be ${rule.must}`)
    }
  }
  checkTogether(settings)
  return settings
}

function defaultsFor(config: StreamsConfig): RuntimeSettings {
  const { pollIntervalMsMax = 300_000 } = config
  return {
    applicationId: config.applicationId,
    clientId: config.applicationId,
    stateDir: '.millrace',
    processingGuarantee: 'exactly-once',
    commitIntervalMs: config.processingGuarantee === 'at-least-once' ? 30_000 : 100,
    uncommittedBytesMax: 64 * MIB,
    cacheBytesMax: 10 * MIB,
    readCacheBytesMax: 64 * MIB,
    changelogCoalescing: true,
    dslStoreFormat: 'default',
    contextHeaders: ['traceparent', 'tracestate', 'baggage', 'x-request-id'],
    asyncContext: false,
    tracing: 'auto',
    bufferedRecordsPerPartition: 1000,
    maxPollRecords: 5000,
    maxTaskIdleMs: 0,
    transactionTimeoutMs: 10_000,
    taskTimeoutMs: 300_000,
    stateCleanupDelayMs: 600_000,
    positionIntervalMs: 5000,
    emitIntervalMs: 1000,
    repartitionPurgeIntervalMs: 30_000,
    windowStoreChangelogAdditionalRetentionMs: 86_400_000,
    metricsRecordingLevel: 'info',
    metricsSampleWindowMs: 30_000,
    metadataIntervalMs: 300_000,
    replicationFactor: -1,
    groupProtocol: 'classic',
    sessionTimeoutMs: Math.min(6000, pollIntervalMsMax),
    pollIntervalMsMax,
    topics: [],
    offsetReset: 'earliest',
    logTruncated: 'offset-reset',
    offsetsLost: 'fail',
    changelogLost: 'fail',
    repartitionLost: 'continue',
    defaultKeySerde: undefined,
    defaultValueSerde: undefined,
    defaultTimestampExtractor: failOnInvalidTimestamp,
    deadLetterQueueTopic: undefined,
    deserializationErrorHandler: failOnError,
    processingErrorHandler: failOnError,
    productionErrorHandler: failOnError,
  }
}

function checkNames(config: StreamsConfig): void {
  for (const name of Object.keys(config)) {
    if (Object.hasOwn(RULES, name)) continue
    const camelCase = name.replace(SETTING_NAMES_OF_JVM, (_, letter: string) => letter.toUpperCase())
    const guess = nearest(camelCase, Object.keys(RULES))
    throw new ConfigError(
      'UNKNOWN_SETTING',
      `"${name}" is no setting${guess ? `: did you mean ${guess}?` : ''}`,
    )
  }
}

function checkTogether(settings: RuntimeSettings): void {
  const named = (setting: TimeoutSetting) => ({ setting, ms: settings[setting] })
  const [session, pollInterval] = [named('sessionTimeoutMs'), named('pollIntervalMsMax')]
  const [commitInterval, transaction] = [named('commitIntervalMs'), named('transactionTimeoutMs')]
  checkTimeouts({
    ...(settings.groupProtocol === 'classic' ? { session, pollInterval } : {}),
    ...(settings.processingGuarantee === 'exactly-once' ? { commitInterval, transaction } : {}),
  })
}

type TimeoutSetting = 'sessionTimeoutMs' | 'pollIntervalMsMax' | 'commitIntervalMs' | 'transactionTimeoutMs'

function show(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value))
}

/** What of the settings the topology's plan depends on. */
export function planOptions({
  deadLetterQueueTopic,
}: Pick<StreamsConfig, 'deadLetterQueueTopic'>): PlanOptions {
  return { replays: deadLetterQueueTopic !== undefined }
}
