import type { BranchedKStream, KStream } from '../api/kstream.ts'
import type { Predicate } from '../options/functions.ts'
import type { SplitHandle } from '../operators/stream/split.ts'
import type { BranchOptions } from '../options/options.ts'
import type { StreamHandle } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'

/** The branches of a stream, as they are added. */
export class BranchedStreamMethods<K, V, B extends object = never> implements BranchedKStream<K, V, B> {
  readonly #split: SplitHandle
  readonly #factory: MethodsFactory
  readonly #branches = new Map<string, B>()

  constructor(split: SplitHandle, factory: MethodsFactory) {
    this.#split = split
    this.#factory = factory
  }

  branch<R extends object | void>(
    predicate: Predicate<K, V>,
    options: BranchOptions<KStream<K, V>, R> = {},
  ): BranchedKStream<K, V, never> {
    const handle = this.#split.addBranch(predicate as Predicate<unknown, unknown>, options.name)
    this.#add(handle, options)
    // Which streams the map holds is for the caller's types to say; the object is the same.
    return this as unknown as BranchedKStream<K, V, never>
  }

  defaultBranch<R extends object | void>(
    options: BranchOptions<KStream<K, V>, R> = {},
  ): ReadonlyMap<string, B | Exclude<R, void>> {
    this.#add(this.#split.addDefault(options.name), options)
    return this.#branches as ReadonlyMap<string, B | Exclude<R, void>>
  }

  noDefaultBranch(): ReadonlyMap<string, B> {
    return this.#branches
  }

  #add<R>(handle: StreamHandle, options: BranchOptions<KStream<K, V>, R>): void {
    const stream = this.#factory.stream<K, V>(handle)
    const kept = options.chain ? options.chain(stream) : stream
    if (kept) this.#branches.set(handle.name, kept as unknown as B)
  }
}
