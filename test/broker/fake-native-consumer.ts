import type { NativeConsumer, NativePartition } from '../../lib/broker/kafka/native/native-client.ts'

type Throwing = 'assignments' | 'incrementalUnassign' | 'unassign' | 'unsubscribe' | 'commit'

/**
 * The native consumer of a group's member, with the assignment alone: what it was told, and what it is to
 * throw.
 */
export class FakeNativeConsumer {
  /** Names of calls that throw from now on. */
  readonly throwing = new Set<Throwing>()
  readonly calls: string[] = []
  isLost = false
  isDisconnected = false
  #assigned: NativePartition[] = []

  /** For whoever takes a native client; what is not here is not used. */
  get asNative(): NativeConsumer {
    return this as unknown as NativeConsumer
  }

  setDefaultConsumeTimeout(): void {
    // Whoever consumes is answered at once.
  }

  consume(_count: number, callback: (error: null, messages: readonly []) => void): void {
    setImmediate(() => callback(null, []))
  }

  subscribe(): void {
    this.calls.push('subscribe')
  }

  unsubscribe(): void {
    this.#call('unsubscribe')
    this.#assigned = []
  }

  assignments(): readonly NativePartition[] {
    if (this.throwing.has('assignments')) this.#call('assignments')
    return [...this.#assigned]
  }

  assignmentLost(): boolean {
    return this.isLost
  }

  incrementalAssign(partitions: readonly NativePartition[]): void {
    this.#assigned.push(...partitions)
  }

  incrementalUnassign(partitions: readonly NativePartition[]): void {
    this.#call('incrementalUnassign')
    const gone = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`))
    this.#assigned = this.#assigned.filter(({ topic, partition }) => !gone.has(`${topic}-${partition}`))
  }

  unassign(): void {
    this.#call('unassign')
    this.#assigned = []
  }

  pause(): void {
    // It holds what it is assigned paused, whatever it is told.
  }

  commit(): void {
    this.#call('commit')
  }

  disconnect(callback: () => void): void {
    this.isDisconnected = true
    setImmediate(callback)
  }

  #call(name: Throwing): void {
    this.calls.push(name)
    if (this.throwing.has(name)) throw Object.assign(new Error(`${name} failed`), { code: -172 })
  }
}
