import type { BrokerError } from '../../broker-error.ts'

/** What a client asks for, and `write-marker`, which a transaction's coordinator does on its own. */
export type Operation =
  | 'produce'
  | 'fetch'
  | 'init-producer'
  | 'end-transaction'
  | 'write-marker'
  | 'transaction-offsets'
  | 'offset-commit'
  | 'offset-fetch'
  | 'join'
  | 'list-offsets'
  | 'list-topics'
  | 'describe-topics'
  | 'topic-settings'
  | 'create-topics'
  | 'delete-topics'
  | 'delete-records'
  | 'describe-group'
  | 'delete-group'

/** One operation before it is carried out; fields are there where they are known. */
export interface Interception {
  readonly operation: Operation
  readonly clientId?: string
  readonly topic?: string
  readonly partition?: number
  readonly groupId?: string
  readonly transactionalId?: string
  readonly outcome?: 'commit' | 'abort'
}

/**
 * The operation is carried out, and the caller hears this error instead of the answer, or nothing for ever.
 */
export interface DroppedAnswer {
  readonly dropAnswer: BrokerError | 'never'
}

export type InterceptorDecision = DroppedAnswer | undefined | void

/**
 * Sees every operation of the embedded broker first. Returning lets it pass, returning a promise delays it,
 * throwing a `BrokerError` (or rejecting with one) refuses it. Markers come one by one, the offsets' marker
 * with the topic `__consumer_offsets`, so that a test can hold back one partition's marker after the
 * transaction is decided (KAFKA-10167).
 */
export type Interceptor = (operation: Interception) => InterceptorDecision | Promise<InterceptorDecision>

/**
 * The interception point. Without an interceptor an operation is a plain call, so that the fast path stays
 * synchronous.
 */
export class Interceptions {
  readonly #interceptor: Interceptor | undefined

  constructor(interceptor: Interceptor | undefined) {
    this.#interceptor = interceptor
  }

  get active(): boolean {
    return this.#interceptor !== undefined
  }

  run<T>(operation: Interception, act: () => T | Promise<T>): T | Promise<T> {
    if (!this.#interceptor) return act()
    const decision = this.#interceptor(operation)
    return decision instanceof Promise ? decision.then(later => finish(later, act)) : finish(decision, act)
  }
}

function finish<T>(decision: InterceptorDecision, act: () => T | Promise<T>): T | Promise<T> {
  const answer = act()
  if (!decision) return answer
  const { dropAnswer } = decision
  if (dropAnswer === 'never') return new Promise<T>(() => undefined)
  return Promise.resolve(answer).then(() => Promise.reject(dropAnswer))
}
