import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../cli/built-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A user's folder with these files (text by name), and this package where `npm install` would put it. */
export async function userFolder(files: ReadonlyMap<string, string>): Promise<string> {
  const directory = await temporaryDirectory()
  await mkdir(join(directory, 'node_modules'))
  await symlink(ROOT, join(directory, 'node_modules/millrace'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of files) await writeFile(join(directory, name), text)
  return directory
}
