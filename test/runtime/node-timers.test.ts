import { describe, expect, it } from 'vitest'
import { NO_HEADERS } from '../../lib/common/headers.ts'
import type { OneShotOptions } from '../../lib/processor/processor-context.ts'
import { NodeTimers } from '../../lib/runtime/nodes/node-timers.ts'
import type { TaskScope } from '../../lib/runtime/nodes/task-scope.ts'
import { WallClockPunctuations } from '../../lib/runtime/task/wall-clock-punctuations.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { TimerStore } from '../../lib/store/contract/timer-store.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { durableTimers } from '../../lib/store/operator/timer-store.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { StoreHarness } from '../store/store-harness.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const START_MS = 1_000_000
const DAY_MS = 24 * 3_600_000
const TURN_MAX = 500
/** Keys of which the handler sets the timer anew, so much later. */
const AGAIN_MS = 40
const setsAgain = (key: string) => key.endsWith('0')

/** A store with its node, as a task drives them: `turn` is a turn of its loop. */
class Stage {
  readonly clock = new ManualClock(START_MS)
  readonly fired: string[] = []
  commits = 0
  readonly #harness: StoreHarness<TimerStore<string>>
  #punctuations = new WallClockPunctuations(this.clock)

  private constructor(harness: StoreHarness<TimerStore<string>>) {
    this.#harness = harness
  }

  static async open(): Promise<Stage> {
    const builder = stores.timers<string>({ name: 'timers', keySerde: serdes.string() })
    const stage = new Stage(await StoreHarness.open(builder, { engine: openMemoryEngine() }))
    stage.#start()
    return stage
  }

  get timers(): TimerStore<string> {
    return this.#harness.store
  }

  get waitMs(): number {
    return this.#punctuations.waitMs
  }

  turn(): string[] {
    this.#punctuations.maybePunctuate((_node, callback, timeMs) => callback(timeMs))
    return this.fired.splice(0)
  }

  async commit(): Promise<void> {
    await this.#harness.commit()
  }

  /** Builds everything anew over what is committed, as an abort, or a process that takes over. */
  async abort(): Promise<void> {
    await this.#harness.abort()
    this.#punctuations = new WallClockPunctuations(this.clock)
    this.#start()
  }

  #start(): void {
    new NodeTimers(this.#scope(), 'node', durableTimers<string>(this.timers), (key, atMs) => {
      this.fired.push(`${key}@${atMs}`)
      if (setsAgain(key)) this.timers.set(key, atMs + AGAIN_MS)
    }).start()
  }

  /** What a node's timers use of it. */
  #scope(): TaskScope {
    const scope: Partial<TaskScope> = {
      taskId: '0_0',
      metrics: this.#harness.metrics,
      clock: this.clock,
      context: { topic: undefined, partition: -1, offset: -1, timestamp: 0, headers: NO_HEADERS },
      schedule: (node, options, callback) =>
        this.#punctuations.schedule(node, options as Required<OneShotOptions>, callback),
      requestCommit: () => (this.commits += 1),
    }
    return scope as TaskScope
  }
}

describe('timers of a node', () => {
  it('wake the loop at the first of them, and at no other time', async () => {
    const stage = await Stage.open()
    expect(stage.waitMs).toBe(Infinity)
    stage.timers.set('b', START_MS + 50)
    stage.timers.set('c', START_MS + 90)
    expect(stage.waitMs).toBe(50)
    stage.timers.set('a', START_MS + 20)
    expect(stage.waitMs).toBe(20)
    stage.timers.cancel('a')
    expect(stage.waitMs).toBe(50)
    stage.clock.advance(50)
    expect(stage.turn()).toEqual([`b@${START_MS + 50}`])
    expect(stage.waitMs).toBe(40)
    stage.timers.cancel('c')
    expect(stage.waitMs).toBe(Infinity)
  })

  it('wait where the clock is set back, and what has fired does not fire again', async () => {
    const stage = await Stage.open()
    stage.timers.set('a', START_MS + 10)
    stage.timers.set('b', START_MS + 20)
    stage.clock.advance(10)
    expect(stage.turn()).toEqual([`a@${START_MS + 10}`])
    stage.clock.adjustWallClock(-DAY_MS)
    stage.clock.advance(DAY_MS + 9)
    expect(stage.turn()).toEqual([])
    stage.clock.advance(1)
    expect(stage.turn()).toEqual([`b@${START_MS + 20}`])
  })

  it('fire early where it is set forward', async () => {
    const stage = await Stage.open()
    stage.timers.set('a', START_MS + DAY_MS)
    stage.clock.adjustWallClock(DAY_MS)
    expect(stage.turn()).toEqual([`a@${START_MS + DAY_MS}`])
  })

  it(`fire ${TURN_MAX} a turn, and the others in the next one, which comes at once`, async () => {
    const stage = await Stage.open()
    for (let at = 0; at < 2 * TURN_MAX + 1; at += 1) stage.timers.set(`${at}x`, START_MS)
    expect([stage.turn().length, stage.waitMs]).toEqual([TURN_MAX, 0])
    expect([stage.turn().length, stage.waitMs]).toEqual([TURN_MAX, 0])
    expect([stage.turn().length, stage.waitMs]).toEqual([1, Infinity])
  })

  it('ask for a commit, every 20 ms at most', async () => {
    const stage = await Stage.open()
    const commits: number[] = []
    for (let at = 0; at <= 40; at += 5) {
      stage.timers.set('a', START_MS + at)
      stage.turn()
      commits.push(stage.commits)
      stage.clock.advance(5)
    }
    expect(commits).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3])
  })

  it('fire at once where they fell due while nobody had the task', async () => {
    const stage = await Stage.open()
    stage.timers.set('a', START_MS + 10)
    stage.timers.set('b', START_MS + DAY_MS)
    await stage.commit()
    stage.clock.advance(1_000)
    await stage.abort()
    expect(stage.waitMs).toBeLessThanOrEqual(0)
    expect(stage.turn()).toEqual([`a@${START_MS + 10}`])
    expect(stage.waitMs).toBe(DAY_MS - 1_000)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('do what a naive model does (seed %i)', async seed => {
    const random = new SeededRandom(seed)
    const stage = await Stage.open()
    const model = new Model()
    const key = () => `k${random.below(60)}`
    for (let step = 0; step < 1_500; step += 1) {
      const what = random.below(100)
      if (what < 45) {
        const [of, atMs] = [key(), Math.max(0, stage.clock.nowMs() + random.below(400) - 100)]
        stage.timers.set(of, atMs)
        model.timers.set(of, atMs)
      } else if (what < 60) {
        const of = key()
        expect(stage.timers.cancel(of)).toBe(model.timers.delete(of))
      } else if (what < 75) stage.clock.advance(random.below(60))
      else if (what < 78) stage.clock.adjustWallClock(random.below(200) - 100)
      else if (what < 85) {
        await stage.commit()
        model.commit()
      } else if (what < 88) {
        await stage.abort()
        model.abort()
      } else expect(stage.turn()).toEqual(model.turn(stage.clock.nowMs()))
      expect(stage.timers.size).toBe(model.timers.size)
    }
    for (const [of, atMs] of model.timers) expect(stage.timers.get(of)).toBe(atMs)
  })
})

class Model {
  timers = new Map<string, number>()
  #committed = new Map<string, number>()

  commit(): void {
    this.#committed = new Map(this.timers)
  }

  abort(): void {
    this.timers = new Map(this.#committed)
  }

  turn(nowMs: number): string[] {
    const fired: string[] = []
    while (fired.length < TURN_MAX) {
      const due = [...this.timers].filter(([, atMs]) => atMs <= nowMs)
      const first = due.sort(
        ([left, leftMs], [right, rightMs]) => leftMs - rightMs || (left < right ? -1 : 1),
      )[0]
      if (!first) break
      const [key, atMs] = first
      this.timers.delete(key)
      fired.push(`${key}@${atMs}`)
      if (setsAgain(key)) this.timers.set(key, atMs + AGAIN_MS)
    }
    return fired
  }
}
