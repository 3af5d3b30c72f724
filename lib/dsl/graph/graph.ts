import type { GraphNode as Node, Role } from './graph-node.ts'
import { GraphNode } from './graph-node.ts'
import { checkName } from './node-name.ts'

/** The logical plan of one `StreamsBuilder`, and the counter that its generated names come from. */
export class Graph {
  readonly root: Node = new GraphNode('root', { kind: 'root' })
  /** Groups of source node names whose topics are joined with each other. */
  readonly coPartitioned: ReadonlySet<string>[] = []
  /** Names of sources that were merged into others, for whoever still refers to them. */
  readonly mergedSources = new Map<string, string>()
  /** All nodes but the root, in the order in which they were added. */
  readonly nodes: Node[] = []
  /**
   * Generated names of stores that tables may get. They are in use even if the tables get none, as in Kafka
   * Streams.
   */
  readonly unnamedStores = new Set<string>()
  readonly #generated = new Set<string>()
  #nextNumber = 0
  #nextPriority = 0

  add(name: string, role: Role, ...parents: readonly Node[]): Node {
    const node = new GraphNode(name, role)
    for (const parent of parents) this.connect(parent, node)
    this.nodes.push(node)
    return node
  }

  connect(parent: Node, child: Node): void {
    parent.children.add(child)
    child.parents.add(parent)
    this.#nextPriority += 1
    child.priority = this.#nextPriority
  }

  coPartition(...sources: readonly ReadonlySet<string>[]): ReadonlySet<string> {
    const all = new Set(sources.flatMap(names => [...names]))
    this.coPartitioned.push(all)
    return all
  }

  /** Generates a name, such as `KSTREAM-FILTER-0000000003`: nodes and stores draw from one counter. */
  newName(prefix: string): string {
    const number = String(this.#nextNumber).padStart(10, '0')
    this.#nextNumber += 1
    const name = `${prefix}${number}`
    this.#generated.add(name)
    return name
  }

  /** Whether the name was generated here, not given by the user. */
  isGenerated(name: string): boolean {
    return this.#generated.has(name)
  }

  newStoreName(prefix: string): string {
    return this.newName(`${prefix}STATE-STORE-`)
  }

  /**
   * The given name, or a generated one. A given name uses a number up all the same, so that naming one node
   * leaves the generated names after it as they were.
   */
  name(given: string | undefined, prefix: string, suffix = ''): string {
    const generated = this.newName(prefix)
    return given === undefined ? generated : checkName(given + suffix)
  }
}
