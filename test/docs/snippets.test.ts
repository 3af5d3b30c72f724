import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { serdes } from '../../lib/index.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { ROOT } from '../cli/built-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { checkTypes } from './check-types.ts'
import { showKey, showValue } from './show-field.ts'
import { PAGES_WITH_SNIPPETS, snippetsOf, type Snippet, type Step } from './snippets.ts'
import { userFolder } from './user-folder.ts'

const SNIPPETS = PAGES_WITH_SNIPPETS.flatMap(snippetsOf)
const DEFAULTS = { defaultKeySerde: serdes.string(), defaultValueSerde: serdes.json<unknown>() }

interface TopicSerdes {
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
}

/** Serdes of the topics that a topology names: those of the nodes that read or write them. */
function topicSerdes(topology: Topology): ReadonlyMap<string, TopicSerdes> {
  const { subtopologies, globalSubtopologies } = topology.plan('test-application')
  const found = new Map<string, TopicSerdes>()
  for (const node of [...subtopologies, ...globalSubtopologies].flatMap(({ nodes }) => nodes)) {
    if (node.kind === 'processor') continue
    const topics = node.kind === 'source' ? node.topics : typeof node.topic === 'string' ? [node.topic] : []
    const { keySerde = DEFAULTS.defaultKeySerde, valueSerde = DEFAULTS.defaultValueSerde } = node
    for (const topic of topics) found.set(topic, { keySerde, valueSerde })
  }
  return found
}

/** What the snippet's steps should be: its inputs, each followed by what came of it. */
async function play(topology: Topology, steps: readonly Step[]): Promise<string[]> {
  const known = topicSerdes(topology)
  const serdesOf = (topic: string) =>
    known.get(topic) ?? { keySerde: DEFAULTS.defaultKeySerde, valueSerde: DEFAULTS.defaultValueSerde }
  using driver = new TopologyTestDriver(topology, { config: DEFAULTS })
  const shown = [...new Set(steps.flatMap(step => (step.kind === 'output' ? [step.topic] : [])))]
  const topics = [...new Set([...known.keys(), ...shown])].filter(
    topic => shown.includes(topic) || !topic.startsWith('test-application-'),
  )
  const lines: string[] = []
  const take = () => {
    for (const topic of topics)
      for (const { key, value, timestamp } of driver.createOutputTopic(topic, serdesOf(topic)).readRecords())
        lines.push(`→ ${topic} @${timestamp}  ${showKey(key)}  ${showValue(value)}`)
  }
  for (const step of steps) {
    if (step.kind === 'output') continue
    if (step.kind === 'pass') {
      await driver.advance(step.ms)
      lines.push(`+ ${step.ms} ms`)
    } else {
      const { topic, key, value, timestamp = 0 } = step
      const keyOf = key === 'null' ? null : /^[-\d{["]/.test(key) ? (JSON.parse(key) as unknown) : key
      driver.createInputTopic(topic, serdesOf(topic)).pipeInput(keyOf, JSON.parse(value), { timestamp })
      await driver.settled()
      lines.push(`${topic} @${timestamp}  ${key}  ${value}`)
    }
    take()
  }
  return lines
}

/**
 * The same lines as the page has them, in the order of topics that `play` takes; outputs without a time are
 * compared without.
 */
function comparable(steps: readonly Step[]): { readonly lines: string[]; readonly timed: boolean } {
  const timed = steps.some(step => step.kind === 'output' && step.timestamp !== undefined)
  const lines = steps.map(step =>
    step.kind === 'pass'
      ? `+ ${step.ms} ms`
      : `${step.kind === 'output' ? '→ ' : ''}${step.topic}${step.kind === 'input' ? ` @${step.timestamp ?? 0}` : timed ? ` @${step.timestamp}` : ''}  ${step.key}  ${step.value}`,
  )
  return { lines, timed }
}

/** Outputs of one step in the order of their topics' names: between topics there is no order. */
function inSteps(lines: readonly string[]): string[][] {
  const groups: string[][] = []
  for (const line of lines) {
    if (!line.startsWith('→')) groups.push([line])
    else groups.at(-1)!.push(line)
  }
  const topicOf = (line: string) => line.split(' ')[1]!
  return groups.map(([input, ...outputs]) => [
    input!,
    ...outputs.toSorted((one, other) => topicOf(one).localeCompare(topicOf(other))),
  ])
}

const fileNameOf = ({ page, line }: Snippet) => `${page.replace('.md', '')}-${line}.ts`

describe('snippets of the documents', () => {
  it('hold to the types', async () => {
    const programs = SNIPPETS.map(snippet => [fileNameOf(snippet), snippet.program] as const)
    await checkTypes(await userFolder(new Map(programs)), SNIPPETS.map(fileNameOf))
  })

  it.each(SNIPPETS.map(snippet => [`docs/${snippet.page}:${snippet.line}`, snippet] as const))(
    '%s does what it says',
    async (_, snippet) => {
      const file = join(await temporaryDirectory(), fileNameOf(snippet))
      const library = pathToFileURL(join(ROOT, 'lib/index.ts')).pathname
      await writeFile(file, snippet.program.replaceAll(`'millrace'`, `'${library}'`))
      const module = (await import(/* @vite-ignore */ file)) as { readonly default: Topology }
      const { lines, timed } = comparable(snippet.steps)
      const played = await play(module.default, snippet.steps)
      const seen = timed ? played : played.map(line => line.replace(/^(→ \S+) @\d+/, '$1'))
      expect(inSteps(seen)).toEqual(inSteps(lines))
    },
  )
})
