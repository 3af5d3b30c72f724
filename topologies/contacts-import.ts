import {
  continueOnError,
  serdes,
  StreamsBuilder,
  type BatchEvent,
  type StreamsConfig,
  type Topology,
  type TopologyAbout,
} from 'millrace'
import { isEmail } from './contacts-import/email-address.ts'
import { failureKey, failuresStore, keepFailures } from './contacts-import/keep-failures.ts'
import type { Contact, ImportJob, ImportResult, RowFailure, UploadRecord } from './contacts-import/records.ts'
import { releaseUploads } from './contacts-import/release-uploads.ts'
import { DAY_MS, TOPICS } from './contacts-import/topics.ts'

export { audits } from './contacts-import/audits.ts'
export { service } from './contacts-import/service.ts'
export { topics } from './contacts-import/topics.ts'

export const about: TopologyAbout = {
  title: 'Contacts import',
  description:
    'Events end to end, and the aggregation of a batch: drop a CSV file and watch it being imported row by row; the completion comes once, with the right counts.',
  problem: [
    'A file of a million rows is imported by many tasks, and somebody must know when all of them are done.',
    'Results are counted by their row, so that one that is told twice counts once, and the completion is told in the transaction of the last one.',
    'Events have numbers, so that a browser that was away goes on behind what it has seen, on any process.',
  ],
}

/** Foreign bytes in one of our topics must not stop the imports; they are dropped, and counted. */
export const config: Partial<StreamsConfig> = { deserializationErrorHandler: continueOnError }

const PROGRESS_MS = 200
const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })

/**
 *     import-uploads → release → import-jobs → contacts, import-failures
 *                              → import-results → gather → push, to the browsers
 *
 * Each stage is exactly-once: a row is imported, and counted, once.
 */
export default function contactsImport(): Topology {
  const builder = new StreamsBuilder()
  const released = builder
    .stream<string | null, UploadRecord | null>(TOPICS.uploads, json())
    .process(releaseUploads, { name: 'release' })
  released.to(TOPICS.jobs, { name: TOPICS.jobs, ...json() })
  released.to(TOPICS.results, { name: TOPICS.results, ...json() })

  const jobs = builder.stream<string, ImportJob | null>(TOPICS.jobs, json())
  jobs
    .filter(job => reasonOf(job) === undefined)
    .groupByKey(json<ImportJob>())
    .reduce(laterOf, { storeName: 'contact-rows', ...json<ImportJob>() })
    .toStream()
    .mapValues(contactOf)
    .to(TOPICS.contacts, json<Contact>())
  jobs.flatMap(failureOf).to(TOPICS.failures, json<RowFailure>())
  jobs.flatMap(resultOf).to(TOPICS.results, json<ImportResult>())

  builder
    .stream(TOPICS.results, json<ImportResult>())
    .gather({
      index: result => ('row' in result ? result.row : undefined),
      outcome: result => ('row' in result && result.ok ? 'succeeded' : 'failed'),
      total: result => ('total' in result ? result.total : undefined),
      deadlineMs: DAY_MS,
      forgetAfterMs: DAY_MS,
      progressIntervalMs: PROGRESS_MS,
      storeName: 'imports',
    })
    .toChannels({
      name: 'push',
      terminal: event => !isUnderWay(event),
      mergeKey: event => (isUnderWay(event) ? event.type : undefined),
    })

  builder.globalTable(TOPICS.contacts, { storeName: 'contacts', ...json<Contact>() })
  builder.addGlobalStore(failuresStore, TOPICS.failures, keepFailures, json<RowFailure>())
  return builder.build()
}

function isUnderWay({ type }: BatchEvent): boolean {
  return type === 'started' || type === 'progress'
}

/** Within an import the row with the higher number wins; a later import replaces what an earlier one said. */
function laterOf(kept: ImportJob, job: ImportJob): ImportJob {
  return kept.importId === job.importId && kept.row > job.row ? kept : job
}

/** Why a row cannot be imported. A tombstone is none of ours: the `reduce` drops and counts it. */
function reasonOf(job: ImportJob | null): RowFailure['reason'] | undefined {
  if (job === null || isEmail(job.fields[0])) return undefined
  return job.fields[0].trim() === '' ? 'EMAIL_MISSING' : 'EMAIL_INVALID'
}

function contactOf({ importId, row, fields: [, name, phone, company] }: ImportJob, email: string): Contact {
  return { email, name, phone, company, importId, row }
}

function failureOf(job: ImportJob | null): (readonly [string, RowFailure])[] {
  const reason = reasonOf(job)
  if (job === null || reason === undefined) return []
  return [[failureKey(job.importId, job.row), { row: job.row, reason, fields: job.fields }]]
}

function resultOf(job: ImportJob | null): (readonly [string, ImportResult])[] {
  return job === null ? [] : [[job.importId, { row: job.row, ok: reasonOf(job) === undefined }]]
}
