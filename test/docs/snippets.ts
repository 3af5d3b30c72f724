import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../cli/built-cli.ts'

/** One line of what a snippet is shown to do. */
export type Step =
  | {
      readonly kind: 'input' | 'output'
      readonly topic: string
      readonly timestamp: number | undefined
      readonly key: string
      readonly value: string
    }
  | { readonly kind: 'pass'; readonly ms: number }

export interface Snippet {
  readonly page: string
  readonly line: number
  /** Headings that it stands below, outermost first, without backquotes. */
  readonly headings: readonly string[]
  /** The whole module: the page's first block and its own. */
  readonly program: string
  readonly code: string
  readonly steps: readonly Step[]
}

interface Block {
  readonly language: string
  readonly code: string
  readonly line: number
  readonly headings: readonly string[]
  /** Whether only empty lines stand between it and the block before. */
  readonly follows: boolean
}

/**
 * A snippet is a block of `ts` that a block of `text` follows: the records that go in, and what comes of
 * each. It is made a module by the page's first block, where that imports, and
 * `export default builder.build()`. Lines of the text are
 *
 *     views @1000  ada  {"page":"/a"}       a record that is piped in, with its time (else 0)
 *     → totals     ada  1                   what has come out since, in the order of each topic
 *     + 5000 ms                             wall-clock time passes
 *
 * Fields are parted by two spaces or more. Keys and values are as `show` writes them.
 */
export function snippetsOf(page: string): Snippet[] {
  const blocks = blocksOf(readFileSync(join(ROOT, 'docs', page), 'utf8'))
  const first = blocks.find(({ language }) => language === 'ts')
  return blocks.flatMap(({ language, code: text, follows }, at) => {
    const before = blocks[at - 1]
    if (language !== 'text' || !follows || before?.language !== 'ts') return []
    const { code, line, headings } = before
    const program = `${first!.code}\n${code}\nexport default builder.build()\n`
    return [{ page, line, headings, program, code, steps: text.split('\n').map(stepOf) }]
  })
}

export const PAGES_WITH_SNIPPETS = readdirSync(join(ROOT, 'docs')).filter(
  name => name.endsWith('.md') && snippetsOf(name).length > 0,
)

function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  const headings: string[] = []
  let open: { language: string; lines: string[]; line: number; follows: boolean } | undefined
  let isOnlySpace = false
  for (const [at, line] of text.split('\n').entries()) {
    if (open && line === '```') {
      const { language, lines, line: start, follows } = open
      blocks.push({
        language,
        code: lines.join('\n'),
        line: start,
        headings: headings.filter(Boolean),
        follows,
      })
      open = undefined
      isOnlySpace = true
    } else if (open) open.lines.push(line)
    else if (line.startsWith('```')) {
      open = { language: line.slice(3), lines: [], line: at + 2, follows: isOnlySpace }
    } else {
      const heading = /^(#+) (.*)$/.exec(line)
      if (heading) headings.splice(heading[1]!.length - 1, Infinity, heading[2]!.replaceAll('`', ''))
      if (line !== '') isOnlySpace = false
    }
  }
  return blocks
}

function stepOf(line: string): Step {
  const passed = /^\+ (\d+) ms$/.exec(line)
  if (passed) return { kind: 'pass', ms: Number(passed[1]) }
  const [place, key, value, ...more] = line.trim().split(/ {2,}/)
  const parsed = /^(→ )?(\S+)(?: @(\d+))?$/.exec(place!)
  if (!parsed || key === undefined || value === undefined || more.length > 0)
    throw new Error(`no line of a snippet (topic, key, value, two spaces between them): ${line}`)
  const [, arrow, topic, time] = parsed
  const timestamp = time === undefined ? undefined : Number(time)
  return { kind: arrow ? 'output' : 'input', topic: topic!, timestamp, key, value }
}
