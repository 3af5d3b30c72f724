import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { builtCli, ROOT } from '../cli/built-cli.ts'

const COMPILER_OPTIONS = {
  strict: true,
  noEmit: true,
  module: 'nodenext',
  target: 'es2024',
  lib: ['esnext'],
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
  skipLibCheck: true,
  allowImportingTsExtensions: true,
}

/**
 * Compiles files of a user's folder as one program, with the built package. Fails with what the compiler
 * says.
 */
export async function checkTypes(directory: string, files: readonly string[]): Promise<void> {
  await builtCli()
  const settings = { compilerOptions: COMPILER_OPTIONS, files }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(settings))
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [compiler], { cwd: directory }).catch(
    ({ stdout }: { stdout?: string }) => expect.fail(stdout),
  )
}
