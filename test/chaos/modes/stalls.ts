import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_IDS, reviveAll, type Cluster, type NodeId } from '../../kafka/cluster/cluster.ts'
import { LocalCluster } from '../../kafka/cluster/local-cluster.ts'
import { OneNode } from '../../kafka/cluster/one-node.ts'
import { Proxy } from '../../kafka/cluster/proxy.ts'
import { runScenario, type Outcome } from '../../kafka/cluster/scenario.ts'
import type { Environment, Stage, StartOptions } from '../../kafka/cluster/stage.ts'
import { Witness } from '../../kafka/cluster/witness.ts'
import type { CommitStep } from '../../../lib/runtime/thread/commit.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import type { ChaosMode, ChaosOptions } from '../mode.ts'

const COUNT = 200
const COUNT_AT_DEFAULTS = 20
/**
 * So many stalls, one after the other, come between a start and a comparison; as many seeds in a row share
 * their brokers.
 */
const BATCH = 20
/** A seed's neighbours would draw alike. */
const SCATTER = 0x9e3779b1
const STEPS: readonly CommitStep[] = ['prepared', 'offsets-sent', 'committed', 'staged', 'written']
/** What the stalled thing is given up after. */
const CLOCKS = ['session', 'transaction', 'delivery'] as const
type Timeout = (typeof CLOCKS)[number]
const SHORT_MS = 2_000
const TIMEOUTS_MS: { readonly [when in 'short' | 'default']: { readonly [clock in Timeout]: number } } = {
  short: { session: SHORT_MS, transaction: SHORT_MS, delivery: SHORT_MS },
  // A delivery takes no longer than its transaction may.
  default: { session: 6_000, transaction: 10_000, delivery: 10_000 },
}
const FACTORS = [0.5, 1, 2, 5] as const
/**
 * Into a commit, or from one stall to the next: long enough to be in the middle of a recovery, or behind it.
 */
const DELAY_MS_MAX = 20
const PAUSE_MS_MAX = 2_500
/** A process that is without tasks commits nothing: it stalls in another moment. */
const STEP_MS_MAX = 10_000
/** What has not come back by then does not come back, on whatever machine. */
const BACK_MS_MAX = 180_000

interface Stall {
  readonly seed: number
  readonly target: 'event loop' | 'process' | 'broker'
  readonly clock: Timeout
  readonly factor: number
  readonly ms: number
  /** Undefined: a random moment. */
  readonly step: CommitStep | undefined
  /** After the step; of a broker only, the others are exactly there. */
  readonly delayMs: number
  readonly pauseMs: number
  /** Index of the process. The first alone knows the steps of its commits; the other is as in earnest. */
  readonly process: 0 | 1
  /** Where there are three. */
  readonly nodes: readonly NodeId[]
}

/** Stalls, drawn from their seeds, and an exact comparison after each batch. */
export const mode: ChaosMode = {
  list: options => drawnFor(options).map(stall => ({ name: String(stall.seed), about: aboutOf(stall) })),
  run,
}

function drawnFor({ seed, count, defaults }: ChaosOptions): Stall[] {
  const length = count ?? (defaults ? COUNT_AT_DEFAULTS : COUNT)
  return Array.from({ length }, (_, at) => drawn(seed + at, defaults === true))
}

/** The same for the same seed, whatever comes before it. */
function drawn(seed: number, isDefault: boolean): Stall {
  const random = new SeededRandom(Math.imul(seed + 1, SCATTER))
  const target = random.pick(['event loop', 'process', 'broker'] as const)
  const clock = random.pick(CLOCKS)
  const factor = random.pick(FACTORS)
  const step = random.chance(0.7) ? random.pick(STEPS) : undefined
  return {
    ...{ seed, target, clock, factor, step },
    ms: factor * TIMEOUTS_MS[isDefault ? 'default' : 'short'][clock],
    delayMs: random.below(DELAY_MS_MAX),
    pauseMs: random.below(PAUSE_MS_MAX),
    process: step === undefined && random.chance(0.5) ? 1 : 0,
    nodes: random.chance(0.25) ? NODE_IDS : [random.pick(NODE_IDS)],
  }
}

function aboutOf(stall: Stall): string {
  const { target, clock, factor, ms, step, process, nodes, seed, pauseMs } = stall
  const ofThree = nodes.length === 1 ? `broker ${nodes[0]} of three` : 'all three brokers'
  const whose = target === 'broker' ? '' : ` of ${process === 0 ? 'a' : 'b'}`
  const what = target !== 'broker' ? target : isOnThree(seed) ? ofThree : 'the one broker'
  const when = step === undefined ? 'at any moment' : `at the commit's step "${step}"`
  return `${what}${whose} for ${ms} ms (${factor} × ${clock}) ${when}, after ${pauseMs} ms`
}

const isOnThree = (seed: number) => Math.floor(seed / BATCH) % 2 === 1

interface Batch {
  readonly stalls: readonly Stall[]
  readonly isOnThree: boolean
}

/** Of the stalls that share their brokers, at most as many as fit into one. */
function batchesOf(stalls: readonly Stall[]): Batch[] {
  const batches = new Map<number, Stall[]>()
  for (const stall of stalls) {
    const number = Math.floor(stall.seed / BATCH)
    const batch = batches.get(number)
    if (batch) batch.push(stall)
    else batches.set(number, [stall])
  }
  return Array.from(batches.values(), each => ({ stalls: each, isOnThree: isOnThree(each[0]!.seed) }))
}

async function run(options: ChaosOptions): Promise<boolean> {
  const { only, say, seed } = options
  const stalls = drawnFor(options).filter(each => only.length === 0 || only.includes(String(each.seed)))
  say(`${stalls.length} stalls, --seed ${seed}`)
  const grounds = new Grounds(say)
  const outcomes: Outcome[] = []
  const batches = batchesOf(stalls)
  const interrupted = () => {
    // What was not compared yet.
    const [first, ...rest] = batches.slice(outcomes.length).flatMap(batch => batch.stalls)
    say(`to go on: ${commandFor({ first: first!.seed, count: rest.length + 1 }, options)}`)
    void grounds.close().finally(() => process.exit(130))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupted)
  try {
    for (const batch of batches) {
      const told = (stall: Stall) => `${stalls.indexOf(stall) + 1} of ${stalls.length}`
      const outcome = await runBatch(await grounds.for(batch), { ...batch, told }, options)
      const { trouble, seconds } = outcome
      const done = `batch ${outcomes.length + 1} of ${batches.length}`
      say(`${done}: ${trouble === undefined ? 'exact' : `FAILED: ${trouble}`}, after ${seconds} s`)
      outcomes.push(outcome)
    }
  } finally {
    await grounds.close()
  }
  say(`\n${table(stalls, outcomes, options)}`)
  return outcomes.every(({ trouble }) => trouble === undefined)
}

/** The one broker and the three, each started when it is needed, and what stands beside it. */
class Grounds {
  readonly #say: (line: string) => void
  readonly #open = new Map<boolean, Environment & { readonly cluster: OneNode | LocalCluster }>()

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  async for({ isOnThree }: Batch): Promise<Environment> {
    const found = this.#open.get(isOnThree)
    if (found) return found
    const cluster = await (isOnThree ? LocalCluster.start(this.#say) : OneNode.start(this.#say))
    const proxy = await Proxy.open(cluster.addresses)
    const witness = await Witness.start(cluster.addresses.brokers)
    const made = { cluster, proxy, witness, say: this.#say, patience: 1 }
    this.#open.set(isOnThree, made)
    return made
  }

  async close(): Promise<void> {
    for (const { cluster, proxy, witness } of this.#open.values()) {
      await reviveAll(cluster)
      await witness.end()
      await proxy.close()
      await cluster.stop()
    }
    this.#open.clear()
  }
}

/** By its seeds alone: the same stalls, in the same order. */
function commandFor(seeds: { readonly first: number; readonly count: number }, { defaults }: ChaosOptions) {
  return `npm run chaos -- --stalls --seed ${seeds.first} --count ${seeds.count}${defaults ? ' --defaults' : ''}`
}

interface Run extends Batch {
  /** Which one it is, of how many. */
  told(stall: Stall): string
}

function runBatch(environment: Environment, run: Run, { defaults }: ChaosOptions): Promise<Outcome> {
  const { stalls } = run
  const [first, last] = [stalls[0]!.seed, stalls.at(-1)!.seed]
  const short: StartOptions = {
    config: { sessionTimeoutMs: SHORT_MS, transactionTimeoutMs: SHORT_MS },
    client: { 'message.timeout.ms': SHORT_MS },
  }
  const special = (name: string) => ({ probed: name === 'a' })
  const scenario = {
    name: first === last ? `stall-${first}` : `stalls-${first}-${last}`,
    about: '',
    run: async (stage: Stage) => {
      await stage.start({ ...(defaults ? {} : short), special })
      for (const stall of stalls) {
        stage.say(`${run.told(stall)}, seed ${stall.seed}: ${aboutOf(stall)}`)
        await strike(stage, stall)
      }
      const endMs = Date.now()
      await stage.untilOutputOf(endMs, BACK_MS_MAX)
      stage.say(`all partitions are back ${((Date.now() - endMs) / 1000).toFixed(1)} s after the last stall`)
      await stage.expectExact()
    },
  }
  return runScenario(environment, scenario)
}

async function strike(stage: Stage, stall: Stall): Promise<void> {
  const { target, ms, step, delayMs, pauseMs } = stall
  await sleep(pauseMs)
  const application = stage.applications[stall.process]!
  const act = { 'event loop': 'block', process: 'stop', broker: 'tell' } as const
  const order = { act: act[target], ms }
  const stalls = application.order(step === undefined ? order : { ...order, step })
  const came = await Promise.race([stalls.then(() => true), sleep(STEP_MS_MAX, false)])
  if (!came) {
    stage.say(`no commit came to "${step}" within ${STEP_MS_MAX / 1000} s: it stalls now`)
    // One that is held up by what came before takes the order when it can.
    const late = await Promise.race([application.order(order), sleep(BACK_MS_MAX, 'late')])
    if (late) throw new Error(`the event loop of ${application.name} stands still`)
  }
  if (target === 'broker') await freeze(stage.cluster, stall, step === undefined ? 0 : delayMs)
  else await sleep(ms)
  if (target === 'process') application.signal('SIGCONT')
  const dead = stage.dead()
  if (dead !== undefined) throw new Error(`a stall must end nothing: ${dead}`)
}

async function freeze(cluster: Cluster, { nodes, ms, seed }: Stall, delayMs: number): Promise<void> {
  const frozen: readonly NodeId[] = isOnThree(seed) ? nodes : [1]
  await sleep(delayMs)
  await Promise.all(frozen.map(node => cluster.act('freeze', node)))
  await sleep(ms)
  await Promise.all(frozen.map(node => cluster.act('continue', node)))
}

/** What was stalled, for how long, how often; and the verdicts, with what repeats those that failed. */
function table(stalls: readonly Stall[], outcomes: readonly Outcome[], options: ChaosOptions): string {
  const count = (target: Stall['target'], factor: number) =>
    stalls.filter(stall => stall.target === target && stall.factor === factor).length
  const rows = (['event loop', 'process', 'broker'] as const).map(target =>
    [target.padEnd(12), ...FACTORS.map(factor => String(count(target, factor)).padStart(6))].join(''),
  )
  const failed = outcomes.filter(({ trouble }) => trouble !== undefined)
  const again = failed.map(({ name }) => {
    const [first, last] = name.split('-').slice(1).map(Number) as [number, number?]
    return `FAILED ${name}: ${commandFor({ first, count: (last ?? first) - first + 1 }, options)}`
  })
  const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0)
  return [
    ['stalled'.padEnd(12), ...FACTORS.map(factor => `× ${factor}`.padStart(6))].join(''),
    ...rows,
    ...again,
    `${stalls.length} stalls in ${outcomes.length} batches, ${seconds} s: ` +
      (failed.length === 0 ? 'exact' : `FAILED, in ${failed.length} batches`),
  ].join('\n')
}
