import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/**
 * Structure and style as failing tests. Each message says what to do instead.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A file of lib imports its own folder and folders of lower rank. */
const RANKS: { readonly [folder: string]: number } = {
  common: 0,
  serde: 1,
  store: 2,
  broker: 2,
  processor: 3,
  topology: 4,
  dsl: 5,
  runtime: 5,
  patterns: 6,
  streams: 7,
  projection: 7.5,
  testing: 8,
  server: 8,
  http: 8,
  push: 8,
  console: 9,
  '': 9,
  cli: 10,
}

/**
 * Rooms of a folder, lowest floor first: a file imports its own room and rooms of lower floors. `.` is the
 * folder itself.
 */
const ROOMS: { readonly [folder: string]: readonly (readonly string[])[] } = {
  'lib/common': [['errors'], ['.'], ['metrics', 'level', 'hash', 'context', 'net']],
  'lib/broker/embedded': [['log'], ['state'], ['requests'], ['.']],
  'lib/broker/kafka': [['protocol'], ['settings'], ['client'], ['native'], ['adapter']],
  'lib/dsl': [
    ['windows'],
    ['options'],
    ['graph'],
    ['kit'],
    ['calls', 'joins', 'windowed', 'compile', 'api', 'schedule', 'push'],
    ['retry', 'gather'],
    ['async'],
    ['foreign-key'],
    ['operators'],
    ['methods'],
  ],
  'lib/store': [
    ['engine'],
    ['contract'],
    ['format'],
    ['memory'],
    ['key-value'],
    ['windows', 'versioned', 'operator'],
    ['views', 'builders'],
  ],
  'lib/runtime': [['plan', 'metrics'], ['state', 'nodes'], ['task'], ['thread']],
  'lib/cli': [
    ['output', 'load'],
    ['records'],
    ['options'],
    ['lifecycle'],
    ['run', 'describe', 'init', 'reset', 'completion', 'letters', 'schedules', 'control'],
    ['dev'],
    ['commands'],
    ['.'],
  ],
}

const BUDGET = {
  commentColumns: 110,
  fileCap: 500,
  folderFiles: 25,
  fileMedian: 120,
  fileP95: 350,
  functionCap: 70,
  functionMedian: 8,
  functionP95: 45,
}

/** What only these files may touch. */
const BANNED: readonly (readonly [pattern: RegExp, allowed: readonly string[], instead: string])[] = [
  [
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/,
    ['lib/common/clock.ts', 'lib/console/page/core/time.ts'],
    'take a Clock through the constructor',
  ],
  [
    /\b(setTimeout|setInterval|setImmediate)\(/,
    ['lib/common/clock.ts', 'lib/console/page/core/time.ts', 'lib/push-client.ts'],
    'take a Clock through the constructor',
  ],
  [
    /\bMath\.random\b|\brandomUUID\b/,
    ['lib/common/random.ts', 'lib/push-client.ts'],
    'take a Random through the constructor',
  ],
  [/\bconsole\.(log|error|warn|info)\b/, [], 'take a Logger through the constructor'],
  [/\b(enum|namespace) [A-Z]\w* \{/, [], 'use a string union, or a module: types must erase'],
  [/\b(TODO|FIXME|XXX)\b/, [], 'do it, or file it'],
  [/\bnot implemented\b/i, [], 'build it, or leave the name out'],
]

interface Source {
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly tree: ts.SourceFile
  readonly imports: readonly string[]
}

const sources = filesBelow('lib').map(readSource)
const allSources = [
  ...sources,
  ...['topologies', 'bench', 'test', 'examples'].flatMap(filesBelow).map(readSource),
]

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name) && !name.includes('node_modules'))
    .map(name => `${folder}/${name}`)
    .sort()
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  return { path, text, lines: lineCount(text), tree, imports: importsOf(path, tree) }
}

/**
 * Lines of a file without the examples in its docstrings: types that form a ring must share a file, and
 * examples would fill its cap.
 */
function lineCount(text: string): number {
  return text.replace(/^ *\* @example\n(?: *\* .*\n)+/gm, '').split('\n').length
}

/** Relative imports, of values and of types, as paths from the root. */
function importsOf(path: string, tree: ts.SourceFile): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
            ? node.arguments[0]
            : undefined
    if (specifier && ts.isStringLiteral(specifier) && specifier.text.startsWith('.')) {
      found.push(relative(ROOT, resolve(ROOT, dirname(path), specifier.text)))
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const folderOf = (path: string) => (path.split('/').length > 2 ? path.split('/')[1]! : '')

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

interface Span {
  readonly name: string
  readonly lines: number
}

function functionsOf({ path, tree }: Source): Span[] {
  const spans: Span[] = []
  const visit = (node: ts.Node): void => {
    const isFunction =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isConstructorDeclaration(node) ||
      ts.isAccessor(node) ||
      ((ts.isArrowFunction(node) || ts.isFunctionExpression(node)) && ts.isBlock(node.body))
    if (isFunction && 'body' in node && node.body) {
      const line = (at: number) => tree.getLineAndCharacterOfPosition(at).line
      const name = `${path}:${line(node.getStart()) + 1}`
      spans.push({ name, lines: line(node.end) - line(node.getStart()) + 1 })
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return spans
}

describe('structure of lib', () => {
  it('imports only its own folder and folders of lower rank', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter(target => folderOf(target) !== folderOf(path) && rankOf(target) >= rankOf(path))
        .map(target => `${path} imports ${target}: move what both need to a folder below them`),
    )
    expect(wrong).toEqual([])
  })

  it.each(Object.entries(ROOMS))('has rooms in %s that import downwards', (folder, floors) => {
    const inside = sources.filter(({ path }) => path.startsWith(`${folder}/`))
    const roomOf = (path: string) =>
      dirname(path) === folder ? '.' : path.slice(folder.length + 1).split('/')[0]!
    const floorOf = (path: string) => floors.findIndex(rooms => rooms.includes(roomOf(path)))
    const homeless = inside.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)
    expect(homeless, 'files in no room of ROOMS').toEqual([])
    const wrong = inside.flatMap(({ path, imports }) =>
      imports
        .filter(target => target.startsWith(`${folder}/`) && roomOf(target) !== roomOf(path))
        .filter(target => floorOf(target) >= floorOf(path))
        .map(target => `${path} imports ${target}: move what both need to a room below them`),
    )
    expect(wrong).toEqual([])
  })

  it(`has at most ${BUDGET.folderFiles} files in a folder`, () => {
    const files = new Map<string, number>()
    for (const { path } of sources) files.set(dirname(path), (files.get(dirname(path)) ?? 0) + 1)
    const full = [...files]
      .filter(([, count]) => count > BUDGET.folderFiles)
      .map(([folder, count]) => `${folder} has ${count} files: divide it into rooms`)
    expect(full).toEqual([])
  })

  it('names a file after the class, where that is all it exports', () => {
    const wrong = sources
      // Operators are named after the methods that make them.
      .filter(({ path }) => !path.startsWith('lib/dsl/operators/'))
      .flatMap(({ path, tree }) => {
        const exported = tree.statements.filter(isExportedValue)
        const [only] = exported
        if (exported.length !== 1 || !only || !ts.isClassDeclaration(only) || !only.name) return []
        const expected = `${kebabCase(only.name.text)}${extname(path)}`
        return basename(path) === expected ? [] : [`${path}: call it ${expected}`]
      })
    expect(wrong).toEqual([])
  })

  it('has no two folders that import each other', () => {
    const arrows = new Map<string, string>()
    for (const { path, imports } of sources)
      for (const target of imports)
        if (dirname(target) !== dirname(path)) arrows.set(`${dirname(path)} ${dirname(target)}`, path)
    const both = [...arrows].flatMap(([arrow, path]) => {
      const [from, to] = arrow.split(' ') as [string, string]
      return arrows.has(`${to} ${from}`) ? [`${from} and ${to} import each other (${path})`] : []
    })
    expect(both).toEqual([])
  })

  it('keeps the runtime off the adapters: it sees the port only', () => {
    const ports = ['lib/broker/broker.ts', 'lib/broker/broker-error.ts']
    const wrong = sources
      .filter(({ path }) => /^lib\/(runtime|dsl|topology|processor|store)\//.test(path))
      .flatMap(({ path, imports }) =>
        imports
          .filter(target => target.startsWith('lib/broker/') && !ports.includes(target))
          .map(target => `${path} imports ${target}: use the port`),
      )
    expect(wrong).toEqual([])
  })

  it('has no import cycles, of values or of types', () => {
    expect(cycles()).toEqual([])
  })

  it('has no file that nothing imports', () => {
    const imported = new Set(allSources.flatMap(({ imports }) => imports))
    // The hook is registered by its path, in a thread of the module loader.
    const entries = [
      'lib/index.ts',
      'lib/testing.ts',
      'lib/http.ts',
      'lib/push.ts',
      'lib/push-client.ts',
      'lib/cli/main.ts',
      'lib/cli/load/topology-hooks.ts',
      'lib/store/engine/level-writer-thread.ts',
      // The console's page, and what runs before it.
      'lib/console/page/main.tsx',
      'lib/console/page/core/theme.ts',
    ]
    const dead = sources
      .map(({ path }) => path)
      .filter(path => !imported.has(path) && !entries.includes(path))
    expect(dead).toEqual([])
  })

  it('re-exports in the entries only', () => {
    const barrels = sources
      .filter(({ path }) => !['lib/index.ts', 'lib/testing.ts', 'lib/http.ts', 'lib/push.ts'].includes(path))
      .filter(({ tree }) =>
        tree.statements.some(node => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined),
      )
      .map(({ path }) => `${path}: import from where it is defined`)
    expect(barrels).toEqual([])
  })
})

describe('budgets', () => {
  it(`has no file over ${BUDGET.fileCap} lines`, () => {
    const long = allSources
      .filter(({ lines }) => lines > BUDGET.fileCap)
      .map(({ path, lines }) => `${path} has ${lines} lines: one idea a file`)
    expect(long).toEqual([])
  })

  it('keeps files short (median and 95th percentile)', () => {
    const lines = sources.map(source => source.lines)
    expect(quantile(lines, 0.5)).toBeLessThanOrEqual(BUDGET.fileMedian)
    expect(quantile(lines, 0.95)).toBeLessThanOrEqual(BUDGET.fileP95)
  })

  it('keeps functions short (cap, median and 95th percentile)', () => {
    const spans = sources.flatMap(functionsOf)
    const long = spans
      .filter(({ lines }) => lines > BUDGET.functionCap)
      .map(({ name, lines }) => `${name} has ${lines} lines: give its parts names`)
    expect(long).toEqual([])
    const lines = spans.map(span => span.lines)
    expect(quantile(lines, 0.5)).toBeLessThanOrEqual(BUDGET.functionMedian)
    expect(quantile(lines, 0.95)).toBeLessThanOrEqual(BUDGET.functionP95)
  })
})

describe('habits', () => {
  it.each(BANNED)('does without %s', (pattern, allowed, instead) => {
    const wrong = sources
      .filter(({ path }) => !allowed.includes(path))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .flatMap((line, at) =>
            pattern.test(line) && !isComment(line) ? [`${path}:${at + 1}: ${instead}`] : [],
          ),
      )
    expect(wrong).toEqual([])
  })

  it(`has comments of at most ${BUDGET.commentColumns} columns`, () => {
    const wide = allSources.flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, at) =>
          isComment(line) && line.length > BUDGET.commentColumns ? [`${path}:${at + 1}: wrap it`] : [],
        ),
    )
    expect(wide).toEqual([])
  })

  it('skips no test and leaves none alone', () => {
    const wrong = allSources
      .filter(({ path }) => path.startsWith('test/') && path !== 'test/tidy.test.ts')
      .flatMap(({ path, text }) =>
        /\b(it|test|describe)\.(only|todo)\b|expect\(true\)/.test(text) ? [path] : [],
      )
    expect(wrong).toEqual([])
  })
})

function rankOf(path: string): number {
  const rank = RANKS[folderOf(path)]
  if (rank === undefined) throw new Error(`folder of ${path} has no rank: give it one in test/tidy.test.ts`)
  return rank
}

function isExportedValue(node: ts.Statement): boolean {
  const isValue =
    ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isVariableStatement(node)
  return isValue && (node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false)
}

function kebabCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
}

function isComment(line: string): boolean {
  return /^\s*(\/\/|\*|\/\*)/.test(line)
}

/** Strongly connected files, by Tarjan's algorithm. */
function cycles(): string[][] {
  const targets = new Map(sources.map(({ path, imports }) => [path, imports]))
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (path: string): void => {
    index.set(path, index.size)
    low.set(path, index.get(path)!)
    stack.push(path)
    for (const target of targets.get(path) ?? []) {
      if (!targets.has(target)) continue
      if (!index.has(target)) visit(target)
      if (stack.includes(target)) low.set(path, Math.min(low.get(path)!, low.get(target)!))
    }
    if (low.get(path) !== index.get(path)) return
    const component = stack.splice(stack.indexOf(path))
    if (component.length > 1) found.push(component.sort())
  }
  for (const path of targets.keys()) if (!index.has(path)) visit(path)
  return found
}
