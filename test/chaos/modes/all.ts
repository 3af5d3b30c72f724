import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApplicationSpec } from '../../kafka/cluster/application.ts'
import { refusedTroubles } from '../../kafka/cluster/ledger.ts'
import { LocalCluster } from '../../kafka/cluster/local-cluster.ts'
import { Proxy } from '../../kafka/cluster/proxy.ts'
import { recoveryText } from '../../kafka/cluster/recovery.ts'
import { runScenario, type Outcome } from '../../kafka/cluster/scenario.ts'
import { known, userOf } from '../../kafka/cluster/scenarios/security.ts'
import { PARTITIONS, type Stage } from '../../kafka/cluster/stage.ts'
import { Witness } from '../../kafka/cluster/witness.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import type { ChaosMode, ChaosOptions } from '../mode.ts'
import { LANES, type Lane, type SoakFault, type SoakTarget } from '../soak/fault.ts'
import { soakFaults } from '../soak/soak-faults.ts'
import { Semaphore } from '../soak/turns.ts'

const MINUTES = 10
/** Between the faults of a lane: sometimes enough to recover, sometimes not. */
const PAUSE_MS_MAX = 20_000
const LOOK_MS = 500
/** When all is whole again, every partition must have output by then, on whatever machine. */
const BACK_MS_MAX = 180_000
/** Classes of errors that end a first start, and no other. */
const PASSING = new Set(['retriable', 'authentication'])
/** One large record a second: each that is refused costs an abort. */
const LARGE_EVERY = 200

/** Random faults of every kind at once, on one cluster, under load. */
export const mode: ChaosMode = {
  list: () => soakFaults.map(({ name, about }) => ({ name, about })),
  run,
}

async function run({ only, say, seed, minutes = MINUTES, log }: ChaosOptions): Promise<boolean> {
  const cluster = await LocalCluster.start(say)
  const interrupted = () => void cluster.stop().finally(() => process.exit(130))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupted)
  const proxy = await Proxy.open(cluster.addresses)
  const witness = await Witness.start(cluster.addresses.brokers)
  const soak = new Soak({ seed, minutes, only })
  try {
    const about = `faults for ${minutes} minutes, --seed ${seed}`
    const scenario = { name: 'soak', about, run: (stage: Stage) => soak.run(stage) }
    say(about)
    const environment = { cluster, proxy, witness, say, patience: 1 }
    const outcome = await runScenario(environment, scenario)
    const end = `${about}\n\n${soak.log()}\n\n${verdict(outcome)}`
    say(`\n${end}`)
    if (log !== undefined) await writeFile(log, `${end}\n`)
    return outcome.trouble === undefined
  } finally {
    await witness.end()
    await proxy.close()
    await cluster.stop()
  }
}

function verdict({ trouble, recoveries, seconds }: Outcome): string {
  const lines = recoveries.map(recoveryText)
  return [...lines, `${trouble === undefined ? 'exact' : `FAILED: ${trouble}`}\nafter ${seconds} s`].join(
    '\n',
  )
}

/** Topics beside those of every stage, which the third process may write. */
async function prepareLargeRecords(stage: Stage): Promise<void> {
  const { witness, prefix } = stage
  for (const name of [`${prefix}large`, `${prefix}letters`]) {
    await witness.createTopic(name, PARTITIONS)
    for (const operation of ['write', 'describe'])
      await witness.grant({
        ...{ resource: 'topic', name, pattern: 'literal', user: userOf(stage), operation },
        permission: 'allow',
      })
  }
}

async function expectLargeRecords(stage: Stage): Promise<void> {
  const { witness, prefix } = stage
  const large = await witness.read(`${prefix}large`)
  const letters = await witness.read(`${prefix}letters`)
  const troubles = refusedTroubles(await stage.inputs(), [...large, ...letters], LARGE_EVERY)
  if (troubles.length > 0) throw new Error(`not exact:\n${troubles.join('\n')}`)
  stage.say(`exact: ${large.length} large records and ${letters.length} letters`)
}

interface Entry {
  readonly startMs: number
  readonly lane: Lane
  readonly what: string
  endMs: number | undefined
}

class Soak {
  readonly #faults: readonly SoakFault[]
  readonly #seed: number
  readonly #ms: number
  readonly #entries: Entry[] = []
  readonly #recreated = new Set<'joined'>()
  readonly #turns = new Semaphore()
  /** No more faults: the time is over, or what must not happen has happened. */
  readonly #ending = new AbortController()
  #startMs = 0

  constructor({ seed, minutes, only }: { seed: number; minutes: number; only: readonly string[] }) {
    this.#faults = soakFaults.filter(({ name }) => only.length === 0 || only.includes(name))
    this.#seed = seed
    this.#ms = minutes * 60_000
  }

  /** The third process is a user with a password, and has no proxy before it. */
  async run(stage: Stage): Promise<void> {
    const secured = await known(stage)
    const special = (name: string) => (name === 'c' ? (secured as Partial<ApplicationSpec>) : {})
    await prepareLargeRecords(stage)
    const letters = {
      config: { deadLetterQueueTopic: `${stage.prefix}letters` },
      ledger: { largeEvery: LARGE_EVERY },
    }
    await stage.start({ count: 3, brokers: stage.proxy.brokers, special, ...letters })
    const faults = () => this.#commitFaults(stage)
    await stage.measure('faults are over', faults, { limitMs: BACK_MS_MAX, from: 'end' })
    await stage.expectExact({ endOnly: [...this.#recreated] })
    await expectLargeRecords(stage)
  }

  /** What was done, from when to when, in seconds of the soak. */
  log(): string {
    const at = (ms: number | undefined) => (ms === undefined ? '…' : ((ms - this.#startMs) / 1000).toFixed(1))
    const lines = this.#entries.map(
      ({ startMs, endMs, lane, what }) =>
        `${at(startMs).padStart(7)} s – ${at(endMs).padStart(7)} s  ${lane.padEnd(12)}${what}`,
    )
    return [`${this.#entries.length} faults:`, ...lines].join('\n')
  }

  async #commitFaults(stage: Stage): Promise<void> {
    this.#startMs = Date.now()
    const { signal } = this.#ending
    const over = sleep(this.#ms, undefined, { signal }).catch(() => undefined)
    const watching = this.#watch(stage).finally(() => this.#ending.abort())
    const lanes = LANES.map((lane, at) => this.#runLane(stage, lane, new SeededRandom(this.#seed * 31 + at)))
    void over.then(() => this.#ending.abort())
    // What strikes last is whole again before anything is judged; where one lane fails, the others end, too.
    const ends = [watching, ...lanes.map(lane => lane.finally(() => this.#ending.abort()))]
    await Promise.allSettled(ends)
    await Promise.all(ends)
  }

  async #runLane(stage: Stage, lane: Lane, random: SeededRandom): Promise<void> {
    const all = this.#faults.filter(each => each.lane === lane)
    const { signal } = this.#ending
    // Each once, in any order, before any of them again.
    const deck: SoakFault[] = []
    for (; all.length > 0;) {
      if (deck.length === 0) deck.push(...all)
      const [fault] = deck.splice(random.below(deck.length), 1)
      await sleep(random.below(PAUSE_MS_MAX), undefined, { signal }).catch(() => undefined)
      await this.#turns.take(fault!.alone === true, async () => {
        if (signal.aborted) return
        // Those who wait for this turn must hear of its failure before it ends.
        await this.#strike(stage, fault!, random).catch((reason: unknown) => {
          this.#ending.abort()
          throw reason
        })
      })
      if (signal.aborted) return
    }
  }

  async #strike(stage: Stage, fault: SoakFault, random: SeededRandom): Promise<void> {
    const startMs = Date.now()
    const noted: Entry[] = []
    const note = (what: string) => {
      noted.push({ startMs, lane: fault.lane, what, endMs: undefined })
      this.#entries.push(noted.at(-1)!)
      stage.say(`${((startMs - this.#startMs) / 1000).toFixed(1)} s: ${what}`)
    }
    const target: SoakTarget = { stage, random, recreated: this.#recreated, note }
    await fault.strike(target)
    for (const each of noted) each.endMs = Date.now()
  }

  /**
   * Rejects where a process ends that nobody has ended. A first start that meets no broker, lacks a topic, or
   * comes while its password is another one ends, as it should; whoever supervises it starts it again.
   */
  async #watch(stage: Stage): Promise<void> {
    while (!this.#ending.signal.aborted) {
      for (const each of stage.applications) {
        if (each.ending === undefined || stage.doomed.has(each)) continue
        const { class: errorClass, code } = each.error ?? {}
        const mayPass = PASSING.has(errorClass ?? '') || code === 'TOPIC_MISSING'
        if (each.hasRun || !mayPass) throw new Error(each.epitaph)
        stage.say(`${each.epitaph}: started again`)
        each.start()
      }
      await sleep(LOOK_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined)
    }
  }
}
