import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { contactsCsv, makeContacts } from '../support/contacts-csv.ts'
import { expectedImport } from '../support/contacts-expected.ts'
import { readAll, textOf } from '../support/topics.ts'
import { ApplicationProcess } from './application-process.ts'
import { seeded } from '../support/seeded.ts'

export interface ImportChaosOptions {
  /** `embedded`, or the addresses of a cluster that has none of the application's topics yet. */
  readonly brokers: string
  readonly directory: string
  readonly rows: number
  readonly kills: number
  /** More than one only on a cluster. */
  readonly processes: number
  readonly seed: number
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  readonly limitMs: number
  readonly say: (line: string) => void
}

export interface ImportChaosOutcome {
  readonly kills: number
  readonly seconds: number
  readonly answerMs: number
  readonly rssMbMax: number
  /** Differences from the independent computation; empty: all is right. */
  readonly wrong: readonly string[]
  /** (import, row) pairs that a reader of committed records sees more than once. */
  readonly duplicates: number
}

interface Summary {
  readonly state: string
  readonly total: number
  readonly succeeded: number
  readonly failed: number
}

/**
 * Imports a made file while processes are killed with SIGKILL at random moments of its progress and started
 * again, then compares with an independent computation: counts, contacts, and one result for every row.
 */
export async function runImportChaos(options: ImportChaosOptions): Promise<ImportChaosOutcome> {
  const processes = await startProcesses(options)
  try {
    const startMs = performance.now()
    const { importId, answerMs } = await upload(processes[0]!, options)
    options.say(
      `uploaded ${options.rows} rows; the answer came ${answerMs.toFixed(1)} ms after the last byte`,
    )
    const kills = await disturb(processes, importId, options)
    const summary = await completion(processes, importId, options)
    const seconds = (performance.now() - startMs) / 1000
    options.say(`completed after ${seconds.toFixed(1)} s and ${kills} kills`)
    const rssMbMax = Math.max(...processes.map(process => process.rssMbMax))
    for (const process of processes) await process.stop()
    return { kills, seconds, answerMs, rssMbMax, ...(await compare(importId, summary, options)) }
  } catch (error) {
    options.say(processes.map(process => process.errors).join('\n----\n'))
    throw error
  } finally {
    for (const process of processes) await process.kill()
  }
}

async function startProcesses(options: ImportChaosOptions): Promise<ApplicationProcess[]> {
  const settings = options.guarantee ? [`processingGuarantee=${options.guarantee}`] : []
  // A dead process holds its readers up no longer than this.
  if (options.brokers !== 'embedded') settings.push('transactionTimeoutMs=3000')
  const processes: ApplicationProcess[] = []
  for (let at = 0; at < options.processes; at += 1) {
    const stateDir = join(options.directory, `process-${at}`)
    processes.push(
      new ApplicationProcess({ brokers: options.brokers, stateDir, port: await freePort(), settings }),
    )
  }
  for (const process of processes) process.start()
  for (const process of processes) {
    await until(async () => (await process.get('/health/ready')) !== undefined, {
      limitMs: 60_000,
      pauseMs: 50,
      what: 'the HTTP service',
    })
  }
  return processes
}

async function upload(
  process: ApplicationProcess,
  { rows, seed }: ImportChaosOptions,
): Promise<{ importId: string; answerMs: number }> {
  let lastByteMs = 0
  const body = Readable.from(
    (function* () {
      for (const piece of contactsCsv({ rows, seed })) {
        yield Buffer.from(piece)
        lastByteMs = performance.now()
      }
    })(),
  )
  const response = await fetch(`${process.url}/imports`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: Readable.toWeb(body),
    duplex: 'half',
  } as RequestInit)
  if (response.status !== 202)
    throw new Error(`the upload was answered with ${response.status}: ${await response.text()}`)
  const answerMs = performance.now() - lastByteMs
  const { importId } = (await response.json()) as { importId: string }
  return { importId, answerMs }
}

/** Kills whenever progress passes one of the random marks; returns how many fell before the completion. */
async function disturb(
  processes: readonly ApplicationProcess[],
  importId: string,
  options: ImportChaosOptions,
): Promise<number> {
  const random = seeded(options.seed)
  const marks = Array.from({ length: options.kills }, () => Math.floor(random() * options.rows * 0.97)).sort(
    (a, b) => a - b,
  )
  let kills = 0
  for (const mark of marks) {
    let done: Summary | undefined
    await until(
      async () => {
        done = await progress(processes, importId)
        return done !== undefined && done.succeeded + done.failed >= mark
      },
      { limitMs: options.limitMs, pauseMs: 20, what: `progress of ${mark} rows` },
    )
    if (done?.state === 'completed') break
    const victim = processes[Math.floor(random() * processes.length)]!
    await victim.kill()
    kills += 1
    options.say(`kill ${kills} at ${done!.succeeded + done!.failed} rows`)
    victim.start()
  }
  return kills
}

/** From whichever process answers; the furthest of the answers. */
async function progress(
  processes: readonly ApplicationProcess[],
  importId: string,
): Promise<Summary | undefined> {
  const answers = await Promise.all(
    processes.map(process => process.get<{ readonly value: Summary }>(`/stores/imports/${importId}`)),
  )
  return answers
    .flatMap(answer => answer?.value ?? [])
    .sort((left, right) => right.succeeded + right.failed - left.succeeded - left.failed)[0]
}

async function completion(
  processes: readonly ApplicationProcess[],
  importId: string,
  options: ImportChaosOptions,
): Promise<Summary> {
  let summary: Summary | undefined
  await until(
    async () => {
      summary = await progress(processes, importId)
      return summary?.state === 'completed'
    },
    { limitMs: options.limitMs, pauseMs: 50, what: 'the completion' },
  )
  return summary!
}

async function compare(importId: string, summary: Summary, options: ImportChaosOptions) {
  const directory = join(options.directory, 'process-0', 'broker')
  const broker = await openBroker(options.brokers, { directory, logger: silentLogger })
  try {
    const expected = expectedImport(makeContacts(options))
    const wrong: string[] = []
    for (const name of ['total', 'succeeded', 'failed'] as const) {
      if (summary[name] !== expected[name])
        wrong.push(`${name} is ${summary[name]}, expected ${expected[name]}`)
    }
    wrong.push(...(await compareContacts(broker, expected.contacts)))
    const seen = await rowsSeen(broker, importId)
    let duplicates = 0
    for (let row = 1; row <= expected.total; row += 1) {
      const times = seen.get(row) ?? 0
      if (times === 0) wrong.push(`row ${row} has no result`)
      if (times > 1) duplicates += 1
    }
    return { wrong, duplicates }
  } finally {
    await broker.close()
  }
}

async function compareContacts(broker: Broker, expected: ReadonlyMap<string, object>): Promise<string[]> {
  const contacts = new Map<string, { [field: string]: unknown }>()
  for (const { key, value } of await readAll(broker, 'contacts')) {
    contacts.set(textOf(key)!, JSON.parse(textOf(value)!) as { [field: string]: unknown })
  }
  const wrong: string[] = []
  if (contacts.size !== expected.size) wrong.push(`${contacts.size} contacts, expected ${expected.size}`)
  for (const [email, contact] of expected) {
    const found = contacts.get(email)
    for (const [field, value] of Object.entries(contact)) {
      if (found?.[field] !== value)
        wrong.push(`contact ${email}: ${field} is ${String(found?.[field])}, expected ${String(value)}`)
    }
  }
  return wrong.slice(0, 20)
}

/** How often each row of the import has a result. */
async function rowsSeen(broker: Broker, importId: string): Promise<Map<number, number>> {
  const seen = new Map<number, number>()
  for (const { key, value } of await readAll(broker, 'import-results')) {
    if (textOf(key) !== importId) continue
    const { row } = JSON.parse(textOf(value)!) as { row?: number }
    if (row !== undefined) seen.set(row, (seen.get(row) ?? 0) + 1)
  }
  return seen
}

/**
 * Unlike a test's `eventually`, an error ends the wait at once: here it means that a process is gone for
 * good.
 */
export async function until(
  condition: () => Promise<boolean>,
  { limitMs, pauseMs, what }: { readonly limitMs: number; readonly pauseMs: number; readonly what: string },
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${limitMs} ms`)
    await sleep(pauseMs)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
