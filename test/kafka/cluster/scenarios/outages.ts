import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_IDS, reviveAll, type NodeId } from '../cluster.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { givenUp, groupCoordinator, leaderOfInput, transactionCoordinator } from './roles.ts'

/** Of brokers that are back, their elections included. */
const BACK_MS = 24_000
/** Counted from when the cluster has given a broker up. */
const WITHOUT_MS = 15_000
/** So long brokers do not answer, and are given up meanwhile. */
const FROZEN_MS = 20_000
const STARVED_MS = 30_000
/**
 * A dead process's transaction is aborted after the 10 s of its timeout, at the broker's next look at all,
 * which comes every 10 s; then the other must restore and catch up.
 */
const PROCESS_BACK_MS = 30_000

async function awayFor(stage: Stage, seconds: number): Promise<void> {
  await stage.start()
  const away = async () => {
    await Promise.all(NODE_IDS.map(node => stage.cluster.act('kill', node)))
    await sleep(seconds * 1000)
    await reviveAll(stage.cluster)
  }
  await stage.measure(`all brokers back after ${seconds} s`, away, { limitMs: BACK_MS, from: 'end' })
  await stage.expectExact()
}

async function frozen(stage: Stage, what: string, nodeOf: () => Promise<NodeId>): Promise<void> {
  await stage.start()
  const node = await nodeOf()
  const freeze = () => stage.cluster.act('freeze', node)
  await stage.measure(`${what} frozen`, freeze, { limitMs: WITHOUT_MS, healed: () => givenUp(stage, node) })
  await sleep(FROZEN_MS)
  await stage.measure('it goes on', () => stage.cluster.act('continue', node), { limitMs: BACK_MS })
  await stage.expectExact()
}

async function starved(stage: Stage): Promise<void> {
  await stage.start()
  const starve = async () => {
    await stage.witness.setTopic(stage.topic('seen'), 'min.insync.replicas', '3')
    await stage.cluster.act('kill', 1)
    await sleep(STARVED_MS)
    await stage.cluster.act('start', 1)
    await stage.witness.setTopic(stage.topic('seen'), 'min.insync.replicas', '2')
  }
  await stage.measure('enough replicas again', starve, { limitMs: BACK_MS, from: 'end' })
  await stage.expectExact()
}

async function processKilled(stage: Stage): Promise<void> {
  await stage.start()
  const [victim] = stage.applications
  await stage.measure('process killed', () => victim!.kill(), { limitMs: PROCESS_BACK_MS, without: victim! })
  const again = async () => {
    victim!.start()
    await stage.running()
  }
  await stage.measure('it is back', again, { limitMs: PROCESS_BACK_MS })
  await stage.expectExact()
}

export const outageScenarios: readonly Scenario[] = [
  {
    name: 'all-away-60',
    about: 'kill -9 of all brokers for a minute: exact, back within 24 s of them',
    run: stage => awayFor(stage, 60),
  },
  {
    name: 'all-away-210',
    about: 'kill -9 of all brokers for three and a half minutes: exact, back within 24 s of them',
    run: stage => awayFor(stage, 210),
  },
  {
    name: 'too-few-replicas',
    about: 'an output topic refuses writes for 30 s for want of replicas: exact',
    run: starved,
  },
  {
    name: 'group-coordinator-frozen',
    about: "SIGSTOP of the group's coordinator: exact, back within 15 s of its being given up",
    run: stage => frozen(stage, 'group coordinator', () => groupCoordinator(stage)),
  },
  {
    name: 'transaction-coordinator-frozen',
    about: "SIGSTOP of a transaction's coordinator: exact, back within 15 s of its being given up",
    run: stage => frozen(stage, 'transaction coordinator', () => transactionCoordinator(stage)),
  },
  {
    name: 'leader-frozen',
    about: 'SIGSTOP of the leader of an input partition: exact, back within 15 s of its being given up',
    run: stage => frozen(stage, 'leader', () => leaderOfInput(stage)),
  },
  {
    name: 'process-killed',
    about: 'kill -9 of one of two processes, and its return: exact',
    quick: true,
    run: processKilled,
  },
]
