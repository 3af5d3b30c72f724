import { describe, expect, it } from 'vitest'
import { describeMermaid } from '../../lib/cli/describe/describe-mermaid.ts'
import { StreamsBuilder } from '../../lib/index.ts'
import { WORD_COUNT } from './built-cli.ts'
import { directoryWith, runCli } from './cli-process.ts'

async function described(...args: string[]): Promise<string> {
  const end = await runCli(['describe', WORD_COUNT, ...args], { directory: await directoryWith({}) })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  return end.stdout
}

describe('millrace describe --format', () => {
  it('text is what it is without', async () => {
    expect(await described('--format', 'text')).toBe(await described())
  })

  it('json: sub-topologies, nodes and stores, with the real names of internal topics', async () => {
    const { applicationId, subtopologies } = JSON.parse(await described('--format', 'json')) as {
      applicationId: string
      subtopologies: readonly {
        readonly id: number
        readonly global: boolean
        readonly sourceTopics: readonly string[]
        readonly sinkTopics: readonly string[]
        readonly nodes: readonly { readonly kind: string; readonly name: string }[]
        readonly stores: readonly object[]
      }[]
    }
    expect(applicationId).toBe('word-count')
    expect(subtopologies.map(({ id, global }) => [id, global])).toEqual([
      [0, false],
      [1, false],
    ])
    const [before, after] = subtopologies
    expect(before!.sourceTopics).toEqual(['streams-plaintext-input'])
    expect(before!.sinkTopics).toEqual(after!.sourceTopics)
    expect(after!.sourceTopics).toEqual(['word-count-word-counts-repartition'])
    expect(before!.nodes[0]).toMatchObject({
      kind: 'source',
      name: 'KSTREAM-SOURCE-0000000000',
      topics: ['streams-plaintext-input'],
      pattern: null,
    })
    expect(after!.stores).toEqual([
      {
        name: 'word-counts',
        persistent: true,
        changelogTopic: 'word-count-word-counts-changelog',
        changelogIsSource: false,
      },
    ])
  })

  it('mermaid: a topic that two sub-topologies share is one box, and joins them', async () => {
    const lines = (await described('--format', 'mermaid')).split('\n')
    expect(lines[0]).toBe('flowchart TD')
    const [topic, ...twice] = lines.flatMap(
      line => /^ {2}(topic\d+)\[\/"word-count-word-counts-repartition"\/\]$/.exec(line)?.[1] ?? [],
    )
    expect(twice).toEqual([])
    expect(lines.filter(line => line.endsWith(` --> ${topic}`))).toHaveLength(1)
    expect(lines.filter(line => line.startsWith(`  ${topic} --> `))).toHaveLength(1)
    expect(lines.filter(line => line.startsWith('  subgraph '))).toEqual([
      '  subgraph s0["Sub-topology 0"]',
      '  subgraph s1["Sub-topology 1"]',
    ])
  })

  it('mermaid: every id of an edge is declared, and names are quoted', () => {
    const builder = new StreamsBuilder()
    builder.stream(/a"b#.*/, { name: 'from' }).to(() => 'x', { name: 'to' })
    builder.globalTable('all', { storeName: 'everywhere' })
    const text = describeMermaid(builder.build().plan('app'))
    const declared = [...text.matchAll(/^ +((?:node|store|topic)\d+)\[/gm)].map(([, id]) => id)
    const used = [...text.matchAll(/^ {2}(\w+) \S+ (\w+)$/gm)].flatMap(([, from, to]) => [from, to])
    expect(new Set(declared).size).toBe(declared.length)
    expect(new Set(used)).toEqual(new Set(declared))
    expect(text).toContain('[/"/a#quot;b#35;.*/"/]')
    expect(text).toContain('[/"chosen by the record"/]')
    expect(text).toContain('"Sub-topology 1, global"')
  })
})
