import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Broker } from '../../../lib/broker/broker.ts'
import { openBroker } from '../../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../../lib/common/logger.ts'
import { topics, TOPICS } from '../../../topologies/checkout/topics.ts'
import { NODE_IDS, type Cluster } from '../../kafka/cluster/cluster.ts'
import { freePort } from '../../kafka/broker-process.ts'
import { eventually } from '../../support/eventually.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { produce, readAll } from '../../support/topics.ts'
import { ApplicationProcess } from '../application-process.ts'
import { comparePurchases, type PurchasesComparison } from './compare-purchases.ts'
import { purchasesInput } from './purchases-input.ts'

export interface KafkaPurchasesRun {
  readonly cluster: Cluster
  readonly purchases: number
  readonly faults: number
  readonly seed: number
  /** For the state of the processes. */
  readonly directory: string
  readonly say: (line: string) => void
}

/** Of ten faults so many are of each kind. */
const SHARES = { kill: 6, rebalance: 3, 'broker-restart': 1 } as const
type Fault = keyof typeof SHARES

const PROCESSES = 2
const SETTINGS = ['transactionTimeoutMs=3000', 'sessionTimeoutMs=6000']
/** Between two faults: sometimes enough to recover, sometimes not. */
const PAUSE_MS_MAX = 4_000
const BACK_MS_MAX = 180_000

export type KafkaFaultCounts = { readonly [fault in Fault]: number }

export interface KafkaPurchasesOutcome extends PurchasesComparison {
  readonly faults: KafkaFaultCounts
}

/**
 * Feeds purchases to two processes on a cluster while these are killed, stopped and started, and its nodes
 * restarted, then compares what readers see with an independent computation.
 */
export async function runKafkaPurchases(run: KafkaPurchasesRun): Promise<KafkaPurchasesOutcome> {
  const broker = await openBroker(run.cluster.addresses.brokers, { logger: silentLogger })
  const admin = await broker.admin()
  const processes = await Promise.all(Array.from({ length: PROCESSES }, (_, at) => processOf(run, at)))
  try {
    return await disturbed(run, { broker, admin, processes })
  } finally {
    for (const process of processes) await process.kill()
    await admin.close()
    await broker.close()
  }
}

async function processOf({ cluster, directory }: KafkaPurchasesRun, at: number): Promise<ApplicationProcess> {
  return new ApplicationProcess({
    brokers: cluster.addresses.brokers,
    stateDir: join(directory, `process-${at}`),
    port: await freePort(),
    settings: SETTINGS,
    topologies: ['checkout'],
  })
}

interface Parts {
  readonly broker: Broker
  readonly admin: Admin
  readonly processes: readonly ApplicationProcess[]
}

async function disturbed(run: KafkaPurchasesRun, parts: Parts): Promise<KafkaPurchasesOutcome> {
  const { broker, admin, processes } = parts
  const { purchases, faults, seed, say } = run
  const random = new SeededRandom(seed + 1)
  const input = purchasesInput(purchases, seed, Date.now())
  const { partitionCount } = topics[0]!
  await admin.createTopics([...topics])
  await produce(broker, TOPICS.restocks, partitionCount, input.restocks)
  for (const process of processes) process.start()
  const counts = { kill: 0, rebalance: 0, 'broker-restart': 0 }
  const planned = shuffled(plannedFaults(faults), random)
  const piece = Math.ceil(input.pairs.length / (faults + 1))
  for (const [at, fault] of [undefined, ...planned].entries()) {
    await produce(broker, TOPICS.purchases, partitionCount, input.pairs.slice(at * piece, (at + 1) * piece))
    if (fault === undefined) continue
    await sleep(random.next() * PAUSE_MS_MAX)
    await strike(fault, run, processes, random)
    counts[fault] += 1
    say(`${at} of ${faults}: ${fault}`)
  }
  const seen = async () => (await readAll(broker, TOPICS.deliveries)).length
  await eventually(async () => (await seen()) >= purchases, {
    limitMs: BACK_MS_MAX,
    pauseMs: 500,
    what: 'a delivery for each order',
  })
  for (const process of processes) await process.stop()
  const comparison = await comparePurchases(broker, purchases, input)
  return { ...comparison, faults: counts }
}

async function strike(
  fault: Fault,
  { cluster }: KafkaPurchasesRun,
  processes: readonly ApplicationProcess[],
  random: SeededRandom,
): Promise<void> {
  if (fault === 'broker-restart') {
    const node = random.pick(NODE_IDS)
    await cluster.act(random.chance(0.5) ? 'kill' : 'stop', node)
    await cluster.act('start', node)
    return
  }
  const process = random.pick(processes)
  if (fault === 'kill') await process.kill()
  else await process.stop()
  process.start()
}

function plannedFaults(count: number): Fault[] {
  const ten = Object.entries(SHARES).flatMap(([fault, share]) =>
    Array.from({ length: share }, () => fault as Fault),
  )
  return Array.from({ length: count }, (_, at) => ten[at % ten.length]!)
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(random.below(rest.length), 1)[0]!)
}
