import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { TopologyError } from '../../../common/errors/errors.ts'
import type { Predicate } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode } from '../../kit/add-node.ts'
import { passThrough } from '../../kit/pass.ts'

type AnyPredicate = Predicate<unknown, unknown>

/**
 * Predicates of the branches added so far, and the names of their nodes. They grow while the program is being
 * written.
 */
interface Branches {
  readonly predicates: AnyPredicate[]
  readonly names: string[]
  defaultName: string | undefined
}

/**
 * Forwards each record to the first branch whose predicate holds, else to the default branch, else nowhere.
 */
class Split implements Processor {
  readonly #branches: Branches
  readonly #owner: CallbackOwner
  #context!: ProcessorContext

  constructor(branches: Branches, owner: CallbackOwner) {
    this.#branches = branches
    this.#owner = owner
  }

  init(context: ProcessorContext): void {
    this.#context = context
  }

  process(record: Record<unknown, unknown>): void {
    const { predicates, names, defaultName } = this.#branches
    for (let i = 0; i < predicates.length; i += 1) {
      const holds = synchronous(predicates[i]?.(record.value, record.key), this.#owner)
      if (holds) return this.#context.forward(record, names[i])
    }
    if (defaultName !== undefined) this.#context.forward(record, defaultName)
  }
}

/** A split being written: the node is there, branches are added to it. */
export class SplitHandle {
  readonly #stream: StreamHandle
  readonly #branches: Branches = { predicates: [], names: [], defaultName: undefined }

  constructor(stream: StreamHandle, options: NamedOptions = {}) {
    const get = (node: string) => new Split(this.#branches, { callback: 'a predicate of split', node })
    this.#stream = addStreamNode(stream, { prefix: 'KSTREAM-BRANCH-', name: options.name, get })
  }

  /**
   * Adds a branch, named after the split and the branch; without a name, after its number, the first one
   * being 1.
   */
  addBranch(predicate: AnyPredicate, givenName: string | undefined): StreamHandle {
    this.#checkOpen()
    const branch = this.#add(givenName ?? String(this.#branches.predicates.length + 1))
    this.#branches.predicates.push(predicate)
    this.#branches.names.push(branch.name)
    return branch
  }

  addDefault(givenName: string | undefined): StreamHandle {
    this.#checkOpen()
    const branch = this.#add(givenName ?? '0')
    this.#branches.defaultName = branch.name
    return branch
  }

  #add(suffix: string): StreamHandle {
    // The name is given, and uses a number up all the same.
    return addStreamNode(this.#stream, { prefix: '', name: this.#stream.name + suffix, get: passThrough.get })
  }

  #checkOpen(): void {
    if (this.#branches.defaultName === undefined) return
    throw new TopologyError('SPLIT_ENDED', 'a split ends with its default branch: add other branches before.')
  }
}
