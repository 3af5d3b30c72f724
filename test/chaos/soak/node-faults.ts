import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_IDS, type NodeId } from '../../kafka/cluster/cluster.ts'
import { untilInSync } from '../../kafka/cluster/scenarios/brokers.ts'
import { groupCoordinator, transactionCoordinator } from '../../kafka/cluster/scenarios/roles.ts'
import { recreate } from '../../kafka/cluster/scenarios/topics.ts'
import type { Stage } from '../../kafka/cluster/stage.ts'
import { drawMs, seconds, type SoakFault, type SoakTarget } from './fault.ts'

/** Does it to all of these nodes for so long, then the other thing. */
async function nodesAway(
  target: SoakTarget,
  nodes: readonly NodeId[],
  {
    ms,
    fault,
    role = 'node',
  }: { readonly ms: number; readonly fault: 'kill' | 'freeze'; readonly role?: string },
): Promise<void> {
  const { cluster } = target.stage
  const whole = fault === 'kill' ? 'start' : 'continue'
  const what = fault === 'kill' ? 'killed' : 'frozen'
  target.note(`${role} ${nodes.join(', ')} ${what} for ${seconds(ms)}`)
  await Promise.all(nodes.map(node => cluster.act(fault, node)))
  await sleep(ms)
  await Promise.all(nodes.map(node => cluster.act(whole, node)))
}

/** Whoever has the role; another node where nobody can tell just now. */
async function coordinatorKilled(
  target: SoakTarget,
  role: string,
  nodeOf: (stage: Stage) => Promise<NodeId>,
): Promise<void> {
  const chance = target.random.pick(NODE_IDS)
  const node = await nodeOf(target.stage).catch(() => chance)
  await nodesAway(target, [node], { ms: drawMs(target, 3, 25), fault: 'kill', role })
}

export const nodeFaults: readonly SoakFault[] = [
  {
    name: 'node-killed',
    about: 'kill -9 of a broker, started again after 3 to 25 s',
    lane: 'nodes',
    strike: target =>
      nodesAway(target, [target.random.pick(NODE_IDS)], { ms: drawMs(target, 3, 25), fault: 'kill' }),
  },
  {
    name: 'group-coordinator-killed',
    about: "kill -9 of the group's coordinator, started again after 3 to 25 s",
    lane: 'nodes',
    strike: target => coordinatorKilled(target, 'group coordinator', groupCoordinator),
  },
  {
    name: 'transaction-coordinator-killed',
    about: "kill -9 of a transaction's coordinator, started again after 3 to 25 s",
    lane: 'nodes',
    strike: target => coordinatorKilled(target, 'transaction coordinator', transactionCoordinator),
  },
  {
    name: 'node-frozen',
    about: 'SIGSTOP of a broker for 2 to 25 s',
    lane: 'nodes',
    strike: target =>
      nodesAway(target, [target.random.pick(NODE_IDS)], { ms: drawMs(target, 2, 25), fault: 'freeze' }),
  },
  {
    name: 'all-nodes-killed',
    about: 'kill -9 of all brokers, started again after 3 to 20 s',
    lane: 'nodes',
    strike: target => nodesAway(target, NODE_IDS, { ms: drawMs(target, 3, 20), fault: 'kill' }),
  },
  {
    name: 'all-nodes-frozen',
    about: 'SIGSTOP of all brokers for 1 to 20 s',
    lane: 'nodes',
    strike: target => nodesAway(target, NODE_IDS, { ms: drawMs(target, 1, 20), fault: 'freeze' }),
  },
  {
    name: 'rolling-restart',
    about: 'every broker stopped in order and started again, one after the other',
    lane: 'nodes',
    async strike(target) {
      target.note('rolling restart')
      for (const node of NODE_IDS) {
        await target.stage.cluster.act('stop', node)
        await target.stage.cluster.act('start', node)
        await untilInSync(target.stage)
      }
    },
  },
  {
    name: 'output-recreated',
    about: 'an output topic is deleted and made at once; of what it held only the end is compared then',
    lane: 'nodes',
    async strike(target) {
      const topic = target.stage.topic('joined')
      target.note(`${topic} made anew`)
      target.recreated.add('joined')
      await recreate(target.stage, topic)
    },
  },
]
