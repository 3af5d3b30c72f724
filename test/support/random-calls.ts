import { seeded } from './seeded.ts'
import type { SubjectCall } from './async-subject.ts'

interface RunningCall {
  readonly key: string
  readonly end: () => void
}

export interface RandomCallsOptions {
  readonly seed: number
  /** The first result comes when so many calls are under way at once; default 1. */
  readonly rampUp?: number
  /** In a turn of the event loop so many calls end at most. */
  readonly endsMax?: number
  /**
   * When so many calls have been made, rising, none ends until `resume`: so that what a test does then finds
   * calls under way.
   */
  readonly pausesAt?: readonly number[]
  /** Turns of the event loop before some end again; default 1. */
  readonly turnsBetween?: number
  /** Whether every call must come after the one for the input before it of its key; default true. */
  readonly watchesNumbers?: boolean
}

/**
 * A service whose calls end in random order, decided by a seed; some fail at first and are tried again by the
 * caller. It watches what is promised about calls: those of one key come one after the other, in the order of
 * the key's inputs.
 */
export class RandomCalls {
  readonly #random: () => number
  readonly #endsMax: number
  readonly #watchesNumbers: boolean
  readonly #pausesAt: number[]
  readonly #turnsBetween: number
  #rampUp: number
  #running: RunningCall[] = []
  /** By key: calls whose caller still wants the result. */
  readonly #active = new Map<string, number>()
  /** By key: up to which number calls have ended well. */
  readonly #done = new Map<string, number>()
  #stopped = false
  readonly violations: string[] = []
  runningMax = 0
  calls = 0
  aborted = 0

  constructor({
    seed,
    rampUp = 1,
    endsMax = 40,
    pausesAt = [],
    turnsBetween = 1,
    watchesNumbers = true,
  }: RandomCallsOptions) {
    this.#pausesAt = [...pausesAt]
    this.#watchesNumbers = watchesNumbers
    this.#turnsBetween = turnsBetween
    this.#random = seeded(seed)
    this.#rampUp = rampUp
    this.#endsMax = endsMax
    this.#turn()
  }

  /** The user's code: tries up to three times. */
  readonly call: SubjectCall = async (value, key, { signal }) => {
    this.#enter(key, value)
    this.calls += 1
    const leave = () => this.#leave(key)
    const onAbort = () => {
      this.aborted += 1
      leave()
    }
    signal.addEventListener('abort', onAbort)
    for (let attempt = 1; ; attempt += 1) {
      await this.#request(key)
      if (signal.aborted) throw new Error('nobody wants it any more')
      // The same call fails or not wherever it is made: by what it is about.
      if (attempt < 3 && (value.length + attempt + Number(value.at(-1))) % 7 === 0) continue
      break
    }
    signal.removeEventListener('abort', onAbort)
    leave()
    this.#done.set(key, Math.max(this.#done.get(key) ?? 0, numberOf(value)))
    return `${value}!`
  }

  get isPaused(): boolean {
    return this.calls >= (this.#pausesAt[0] ?? Infinity)
  }

  resume(): void {
    this.#pausesAt.shift()
  }

  stop(): void {
    this.#stopped = true
  }

  #enter(key: string, value: string): void {
    const active = (this.#active.get(key) ?? 0) + 1
    this.#active.set(key, active)
    if (active > 1) this.violations.push(`${active} calls of ${key} at once`)
    const done = this.#done.get(key) ?? 0
    if (this.#watchesNumbers && numberOf(value) > done + 1)
      this.violations.push(`${key}: ${value} was called when ${done} were done`)
  }

  #leave(key: string): void {
    this.#active.set(key, this.#active.get(key)! - 1)
  }

  #request(key: string): Promise<void> {
    return new Promise(resolve => {
      this.#running.push({ key, end: resolve })
      this.runningMax = Math.max(this.runningMax, this.#running.length)
    })
  }

  /** Ends some, every so many turns of the event loop. */
  #turn(): void {
    if (this.#stopped) return
    if (!this.isPaused && this.#running.length >= this.#rampUp) {
      this.#rampUp = 1
      for (let left = Math.ceil(this.#random() * this.#endsMax); left > 0; left -= 1) this.#endOne()
    }
    this.#afterTurns(this.#turnsBetween)
  }

  #afterTurns(left: number): void {
    setImmediate(() => (left > 1 ? this.#afterTurns(left - 1) : this.#turn()))
  }

  #endOne(): void {
    const at = Math.floor(this.#random() * this.#running.length)
    const [call] = this.#running.splice(at, 1)
    call?.end()
  }
}

/** Of `v17#3`: the third of its key. */
function numberOf(value: string): number {
  return Number(value.split('#')[1])
}
