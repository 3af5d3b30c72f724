import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, expect, it } from 'vitest'
import { needs } from './support/needs.ts'
import { builtCli, ROOT } from './cli/built-cli.ts'

const ENTRIES = ['index', 'testing', 'http', 'push']

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  strict: true,
  types: ['node'],
}

/**
 * What an editor shows of every export of an entry, and of each of its members: "KafkaStreams.store": its
 * comment and examples.
 */
function comments(program: ts.Program, path: string): Map<string, string> {
  const checker = program.getTypeChecker()
  const found = new Map<string, string>()
  const note = (name: string, symbol: ts.Symbol) => {
    const examples = symbol.getJsDocTags(checker).map(tag => ts.displayPartsToString(tag.text))
    const text = [ts.displayPartsToString(symbol.getDocumentationComment(checker)), ...examples].join(' ')
    found.set(name, text.replace(/\s+/g, ' ').trim())
  }
  const file = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, path))!)!
  for (const exported of checker.getExportsOfModule(file)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    note(exported.name, symbol)
    for (const [id, member] of symbol.members ?? []) note(`${exported.name}.${String(id)}`, member)
  }
  return found
}

let program: ts.Program

beforeAll(async () => {
  await builtCli()
  const files = ENTRIES.flatMap(entry => [`lib/${entry}.ts`, `dist/${entry}.d.ts`])
  program = ts.createProgram(
    files.map(file => join(ROOT, file)),
    OPTIONS,
  )
})

const { suite } = await needs('package')

await suite('the declarations of the package', () => {
  it.each(ENTRIES)('%s: every export and member of the sources, with its comment', entry => {
    const sources = comments(program, `lib/${entry}.ts`)
    const packed = comments(program, `dist/${entry}.d.ts`)
    const isPublic = (name: string) => !/#|__(constructor|call|index)|\[/.test(name)
    const told = [...sources].filter(([name, text]) => isPublic(name) && text !== '')
    expect(told.length).toBeGreaterThan(entry === 'index' ? 300 : 3)
    const lost = told.filter(([name, text]) => packed.get(name) !== text)
    expect(lost.map(([name, text]) => ({ name, text, packed: packed.get(name) }))).toEqual([])
    const missing = [...sources.keys()].filter(name => isPublic(name) && !packed.has(name))
    expect(missing).toEqual([])
  })
})
