import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from '../cli/built-cli.ts'

/** Where a code is given to an error, and the text of the argument behind it, which mostly is the message. */
export interface ThrownCode {
  readonly code: string
  readonly place: string
  readonly message: string
}

const CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/

/**
 * In arguments of functions: a single word could be anything, `'GET'` say. Names of environment variables are
 * no codes either.
 */
const CODE_OF_SEVERAL_WORDS = /^(?!MILLRACE_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/

/**
 * Every code that `lib` gives to an error as a literal: to a constructor, `super`, a function that makes
 * errors, or a property named `code`. What brokers answer is not among them: its names are in
 * `broker/kafka/protocol/kafka-error-codes.ts`. Nor is what the console's page says in a browser.
 */
export function thrownCodes(): ThrownCode[] {
  const files = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
  const sources = files
    .filter(path => path.endsWith('.ts') && !path.startsWith('console/page/'))
    .map(path => `lib/${path}`)
  return sources.sort().flatMap(path => {
    const source = ts.createSourceFile(
      path,
      readFileSync(join(ROOT, path), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    )
    return codesOf(source)
  })
}

function codesOf(source: ts.SourceFile): ThrownCode[] {
  const found: ThrownCode[] = []
  const add = (node: ts.Expression, pattern: RegExp, message = '') => {
    for (const code of literalsOf(node).filter(text => pattern.test(text))) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ code, place: `${source.fileName}:${line}`, message })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
      const given = node.arguments ?? []
      const pattern = makesError(node) ? CODE : CODE_OF_SEVERAL_WORDS
      given.forEach((argument, at) => add(argument, pattern, given[at + 1]?.getText()))
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'code') add(node.initializer, CODE)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function makesError({ expression, kind }: ts.NewExpression | ts.CallExpression): boolean {
  if (kind === ts.SyntaxKind.CallExpression) return expression.kind === ts.SyntaxKind.SuperKeyword
  return expression.getText().endsWith('Error')
}

/** Those of both branches of `a ? 'X' : 'Y'`, too. */
function literalsOf(node: ts.Expression): string[] {
  if (ts.isConditionalExpression(node)) return [...literalsOf(node.whenTrue), ...literalsOf(node.whenFalse)]
  return ts.isStringLiteral(node) ? [node.text] : []
}
