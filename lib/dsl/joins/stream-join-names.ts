import type { Graph } from '../graph/graph.ts'
import { checkName } from '../graph/node-name.ts'

export type StreamJoinKind = 'inner' | 'left' | 'outer'

/** Names of the nodes and stores of a join of two streams. */
export interface StreamJoinNames {
  readonly leftWindow: string
  readonly rightWindow: string
  readonly left: string
  readonly right: string
  readonly merge: string
  readonly leftStore: string
  readonly rightStore: string
  /** Name of the store of unmatched records; undefined in an inner join. */
  readonly unmatchedStore: string | undefined
}

/**
 * Names a join as Kafka Streams does: nodes are named after the join, stores after the store's name; without
 * the latter, after the *generated* names of the nodes, even where these have others. Numbers are drawn in
 * this order, needed or not.
 */
export function nameJoin(
  graph: Graph,
  kind: StreamJoinKind,
  { name, storeName }: { readonly name?: string; readonly storeName?: string },
): StreamJoinNames {
  const suffixed = (suffix: string) => (name === undefined ? undefined : name + suffix)
  const leftSuffix = kind === 'outer' ? '-outer-this-join' : '-this-join'
  const rightSuffix = kind === 'inner' ? '-other-join' : '-outer-other-join'
  const leftWindow = graph.name(suffixed('-this-windowed'), 'KSTREAM-WINDOWED-')
  const rightWindow = graph.name(suffixed('-other-windowed'), 'KSTREAM-WINDOWED-')
  const left = graph.newName(kind === 'outer' ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-')
  const right = graph.newName(kind === 'inner' ? 'KSTREAM-JOINOTHER-' : 'KSTREAM-OUTEROTHER-')
  const merge = graph.name(suffixed('-merge'), 'KSTREAM-MERGE-')
  const shared = storeName === undefined ? sharedName(left) : `${storeName}${SHARED[kind]}`
  const names = {
    leftWindow,
    rightWindow,
    left: given(suffixed(leftSuffix)) ?? left,
    right: given(suffixed(rightSuffix)) ?? right,
    merge,
    leftStore: storeNamed(storeName === undefined ? left : storeName + leftSuffix),
    rightStore: storeNamed(storeName === undefined ? right : storeName + rightSuffix),
    unmatchedStore: kind === 'inner' ? undefined : storeNamed(shared),
  }
  if (storeName === undefined) {
    for (const store of [names.leftStore, names.rightStore, names.unmatchedStore]) {
      if (store !== undefined) graph.unnamedStores.add(store)
    }
  }
  return names
}

const SHARED = { inner: '', left: '-left-shared-join', outer: '-outer-shared-join' } as const

/** Name of the store that both sides share, with the number of the left node. */
function sharedName(left: string): string {
  return left.replace(/^KSTREAM-(OUTER|JOIN)THIS-/, 'KSTREAM-OUTERSHARED-')
}

function storeNamed(name: string): string {
  return checkName(`${name}-store`)
}

function given(name: string | undefined): string | undefined {
  return name === undefined ? undefined : checkName(name)
}
