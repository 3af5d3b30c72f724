import type { Record } from '../../processor/record.ts'
import { synchronous, type CallbackOwner } from '../kit/synchronous.ts'
import type { GatherOptions, ResultOutcome } from '../options/gather-options.ts'
import { GatherError } from './gather-error.ts'
import { INDEX_MAX } from './result-set.ts'

/** What a record says of its batch. */
export interface GatherInput {
  readonly index: number | undefined
  readonly outcome: ResultOutcome
  readonly total: number | undefined
}

type Callbacks<B, V> = Pick<GatherOptions<B, V>, 'index' | 'outcome' | 'total'>

/** Asks the callbacks about records, and refuses what they must not answer. */
export class GatherInputs<B, V> {
  readonly #callbacks: Callbacks<B, V>
  readonly #node: string
  readonly #owners: { readonly [name in keyof Callbacks<B, V>]-?: CallbackOwner }

  constructor(callbacks: Callbacks<B, V>, node: string) {
    this.#callbacks = callbacks
    this.#node = node
    const owner = (name: string): CallbackOwner => ({ callback: `${name} of gather`, node })
    this.#owners = { index: owner('index'), outcome: owner('outcome'), total: owner('total') }
  }

  /** Throws `GATHER_INDEX`, `GATHER_OUTCOME` or `GATHER_TOTAL`, before anything of the record was used. */
  read({ key, value }: Record<B, V>): GatherInput {
    const index = synchronous(this.#callbacks.index(value, key), this.#owners.index)
    const total = synchronous(this.#callbacks.total(value, key), this.#owners.total)
    if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index <= INDEX_MAX))
      throw this.#refused('GATHER_INDEX', 'index', index, `a whole number from 0 to ${INDEX_MAX}`)
    if (total !== undefined && !(Number.isSafeInteger(total) && total >= 0))
      throw this.#refused('GATHER_TOTAL', 'total', total, 'a whole number of 0 or more')
    return { index, outcome: index === undefined ? 'succeeded' : this.#outcome(value, key), total }
  }

  #outcome(value: V, key: B): ResultOutcome {
    const outcome = synchronous(this.#callbacks.outcome?.(value, key) ?? 'succeeded', this.#owners.outcome)
    if (outcome === 'succeeded' || outcome === 'failed') return outcome
    throw this.#refused('GATHER_OUTCOME', 'outcome', outcome, '"succeeded" or "failed"')
  }

  #refused(code: string, name: string, answer: unknown, wanted: string): GatherError {
    const told = typeof answer === 'string' ? JSON.stringify(answer) : String(answer)
    const orNone = name === 'outcome' ? '' : ', or undefined'
    return new GatherError(
      code,
      `${name} of gather (node "${this.#node}") returned ${told}: it must be ${wanted}${orNone}`,
    )
  }
}
