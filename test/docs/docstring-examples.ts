import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from '../cli/built-cli.ts'

/** One `@example` of a public method. */
export interface DocstringExample {
  /** As "KStream.filter". */
  readonly method: string
  /** As "lib/dsl/api/kstream.ts:61", of the method. */
  readonly place: string
  /** The block of `ts`; undefined if the example is something else. */
  readonly code: string | undefined
  /** What it says comes out, from a last comment as `// ada → 1, bob → 2`. */
  readonly outputs: string | undefined
}

export function docstringExamplesOf(path: string): DocstringExample[] {
  const file = parse(path, readFileSync(join(ROOT, path), 'utf8'))
  return file.statements.flatMap(kind => {
    if (!ts.isInterfaceDeclaration(kind) && !ts.isClassDeclaration(kind)) return []
    const members: readonly ts.NamedDeclaration[] = kind.members
    return members.flatMap(member => {
      const method = `${kind.name?.text}.${member.name?.getText(file)}`
      const place = `${path}:${file.getLineAndCharacterOfPosition(member.getStart(file)).line + 1}`
      return exampleTexts(member).map(text => ({ method, place, ...readExample(text) }))
    })
  })
}

/** The same code as the body of a function that returns the value of the last expression. */
export function returningLast(code: string): string {
  const last = parse('example.ts', code).statements.at(-1)
  if (!last || !ts.isExpressionStatement(last)) return code
  const at = last.getStart()
  return `${code.slice(0, at)}return ${code.slice(at)}`
}

function exampleTexts(member: ts.Node): string[] {
  return ts
    .getJSDocTags(member)
    .filter(({ tagName }) => tagName.text === 'example')
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '')
}

function readExample(text: string): Pick<DocstringExample, 'code' | 'outputs'> {
  const code = /^```ts\n([^]*)\n```$/.exec(text.trim())?.[1]
  return { code, outputs: /\/\/ (\S+ → .*)$/.exec(code ?? '')?.[1] }
}

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}
