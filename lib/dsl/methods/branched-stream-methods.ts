import type { BranchedKStream, KStream } from '../api/kstream.ts'
import type { Predicate } from '../options/functions.ts'
import type { SplitPart } from '../operators/stream/split.ts'
import type { BranchOptions } from '../options/options.ts'
import type { StreamPart } from '../kit/handles.ts'
import type { Surface } from './methods-factory.ts'

/** The branches of a stream, as they are added. */
export class GraphBranchedStream<K, V, B extends object = never> implements BranchedKStream<K, V, B> {
  readonly #split: SplitPart
  readonly #surface: Surface
  readonly #branches = new Map<string, B>()

  constructor(split: SplitPart, surface: Surface) {
    this.#split = split
    this.#surface = surface
  }

  branch<R extends object | void>(
    predicate: Predicate<K, V>,
    options: BranchOptions<KStream<K, V>, R> = {},
  ): BranchedKStream<K, V, never> {
    const part = this.#split.addBranch(predicate as Predicate<unknown, unknown>, options.name)
    this.#add(part, options)
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

  #add<R>(part: StreamPart, options: BranchOptions<KStream<K, V>, R>): void {
    const stream = this.#surface.stream<K, V>(part)
    const kept = options.chain ? options.chain(stream) : stream
    if (kept) this.#branches.set(part.name, kept as unknown as B)
  }
}
