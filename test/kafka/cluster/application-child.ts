import { createInterface } from 'node:readline'
import { openBroker } from '../../../lib/broker/open/open-broker.ts'
import type { StreamsError } from '../../../lib/common/errors/errors.ts'
import type { Logger } from '../../../lib/common/logger.ts'
import { KafkaStreams } from '../../../lib/streams/kafka-streams.ts'
import type { ApplicationSpec } from './application.ts'
import { ledgerTopology } from './ledger-topology.ts'
import { StallOrders } from './stall-orders.ts'

/**
 * One process of the ledger application: `node --import tsx application-child.ts SPEC`. Says everything as
 * lines of JSON.
 */
const spec = JSON.parse(process.argv[2] ?? '') as ApplicationSpec

function say(event: { readonly [name: string]: unknown }): void {
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), ...event })}\n`)
}

function crash(reason: unknown): never {
  say({ event: 'crash', message: reason instanceof Error ? reason.stack : String(reason) })
  process.exit(70)
}
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

const logger: Logger = {
  log(level, message, fields) {
    if (level === 'debug') return
    const more = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${String(value)}`)
    say({ event: 'log', level, message: message + more.join('') })
  },
}

const orders = new StallOrders(step => say({ event: 'stall', step }))

const told = new Promise<void>(resolve => {
  process.once('SIGTERM', () => resolve())
  // Whoever started this one is gone: nobody would end it.
  createInterface({ input: process.stdin })
    .on('line', line => orders.take(line))
    .once('close', resolve)
})

function sayError(reason: unknown): void {
  const error = reason instanceof Error ? reason : new Error(String(reason))
  const { code } = error as StreamsError
  const { class: itsClass } = error as { readonly class?: string }
  say({ event: 'error', code: code ?? error.name, class: itsClass, message: messageOf(error) })
  process.exitCode = 1
}

/** With the causes' messages behind it. */
function messageOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${messageOf(error.cause)})` : error.message
}

function letLargeOnesGo(_error: unknown, { topic }: { readonly topic: string }): 'continue' | 'fail' {
  return topic === `${spec.prefix}large` ? 'continue' : 'fail'
}

async function run(): Promise<void> {
  const broker = await openBroker(spec.brokers, { logger, ...(spec.client ? { client: spec.client } : {}) })
  const components = { broker, logger, ...(spec.probed ? { commitProbe: orders.probe } : {}) }
  // A function does not travel in the spec: large records that are refused are let go, all others are not
  // expected to be.
  const letsGo = spec.ledger?.largeEvery === undefined ? {} : { productionErrorHandler: letLargeOnesGo }
  const config = { ...spec.config, ...letsGo }
  const streams = new KafkaStreams(ledgerTopology(spec.prefix, spec.ledger), config, components)
  const failed = new Promise<void>(resolve =>
    streams.onStateChange(state => {
      say({ event: 'state', state })
      if (state === 'error') resolve()
    }),
  )
  const started = streams.start()
  started.catch(() => undefined)
  await Promise.race([told, failed])
  await streams.close()
  await broker.close()
  if (streams.error) sayError(streams.error)
}

await run().catch(sayError)
say({ event: 'end' })
process.stdin.destroy()
