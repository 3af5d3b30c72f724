import { describe, expect, it } from 'vitest'
import { BranchedStreamMethods } from '../../lib/dsl/methods/branched-stream-methods.ts'
import { CogroupedStreamMethods } from '../../lib/dsl/methods/cogrouped-stream-methods.ts'
import { GroupedStreamMethods } from '../../lib/dsl/methods/grouped-stream-methods.ts'
import { GroupedTableMethods } from '../../lib/dsl/methods/grouped-table-methods.ts'
import { StreamMethods } from '../../lib/dsl/methods/stream-methods.ts'
import { TableMethods } from '../../lib/dsl/methods/table-methods.ts'
import { SessionStreamMethods, WindowedStreamMethods } from '../../lib/dsl/methods/windowed-stream-methods.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { snippetsOf } from './snippets.ts'

/**
 * What a section of the page is about; those of windowed cogrouped streams have one method, which
 * `windowedBy` ends with.
 */
const KINDS: readonly (readonly [section: string, kind: { readonly prototype: object }])[] = [
  ['StreamsBuilder', StreamsBuilder],
  ['KStream', StreamMethods],
  ['BranchedKStream', BranchedStreamMethods],
  ['KTable', TableMethods],
  ['KGroupedStream', GroupedStreamMethods],
  ['KGroupedTable', GroupedTableMethods],
  ['TimeWindowedKStream', WindowedStreamMethods],
  ['SessionWindowedKStream', SessionStreamMethods],
  ['CogroupedKStream', CogroupedStreamMethods],
]

const methodsOf = ({ prototype }: { readonly prototype: object }) =>
  Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
    .map(([name]) => name)

describe('docs/operators.md', () => {
  const snippets = snippetsOf('operators.md')

  it.each(KINDS)('has every method of %s, with an example that calls it', (section, kind) => {
    const methods = methodsOf(kind)
    expect(methods.length).toBeGreaterThan(0)
    const below = snippets.filter(({ headings }) => headings[1] === section)
    const shown = below.flatMap(({ headings, code }) =>
      headings[2]!.split(', ').filter(name => code.includes(`.${name}(`) || code.includes(`.${name}<`)),
    )
    expect([...new Set(shown)].sort()).toEqual([...methods].sort())
  })
})
