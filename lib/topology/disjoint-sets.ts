import { present } from '../common/assert.ts'

/** Names in groups that only ever grow together (union-find with path halving). */
export class DisjointSets {
  readonly #parents = new Map<string, string>()

  add(name: string): void {
    if (!this.#parents.has(name)) this.#parents.set(name, name)
  }

  unite(left: string, right: string): void {
    this.#parents.set(this.root(left), this.root(right))
  }

  /** One name, the same for all names of a group, until the group grows. */
  root(name: string): string {
    let current = name
    let parent = this.#parent(current)
    while (parent !== current) {
      const grandparent = this.#parent(parent)
      this.#parents.set(current, grandparent)
      current = grandparent
      parent = this.#parent(current)
    }
    return current
  }

  #parent(name: string): string {
    return present(this.#parents.get(name), `group of "${name}"`)
  }
}
