import { describe, expect, it } from 'vitest'
import { GraphBranchedStream } from '../../lib/dsl/graph-branched-stream.ts'
import { GraphCogroupedStream } from '../../lib/dsl/graph-cogrouped-stream.ts'
import { GraphGroupedStream } from '../../lib/dsl/graph-grouped-stream.ts'
import { GraphGroupedTable } from '../../lib/dsl/graph-grouped-table.ts'
import { GraphStream } from '../../lib/dsl/graph-stream.ts'
import { GraphTable } from '../../lib/dsl/graph-table.ts'
import { GraphSessionStream, GraphWindowedStream } from '../../lib/dsl/graph-windowed-stream.ts'
import { StreamsBuilder } from '../../lib/dsl/streams-builder.ts'
import { snippetsOf } from './snippets.ts'

/** What a section of the page is about; those of windowed cogrouped streams have one method, which `windowedBy` ends with. */
const KINDS: readonly (readonly [section: string, kind: { readonly prototype: object }])[] = [
  ['StreamsBuilder', StreamsBuilder],
  ['KStream', GraphStream],
  ['BranchedKStream', GraphBranchedStream],
  ['KTable', GraphTable],
  ['KGroupedStream', GraphGroupedStream],
  ['KGroupedTable', GraphGroupedTable],
  ['TimeWindowedKStream', GraphWindowedStream],
  ['SessionWindowedKStream', GraphSessionStream],
  ['CogroupedKStream', GraphCogroupedStream],
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
