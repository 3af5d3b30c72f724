import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { Choice } from '../output/questions.ts'
import { PACKAGE_FOLDER } from './package-folder.ts'

export const TEMPLATES = [
  { name: 'minimal', description: 'a topology that counts words, and its tests' },
  { name: 'service', description: 'a topology behind HTTP, with a page that shows live values' },
  { name: 'avro', description: 'records in Avro, with a schema registry or without' },
] as const satisfies readonly Choice[]

export type TemplateName = (typeof TEMPLATES)[number]['name']

/** What a new project is made of. */
export interface Project {
  readonly template: TemplateName
  /** Name of its package. */
  readonly name: string
  /** How it depends on this package: a range of versions, or where a tarball is. */
  readonly millrace: string
}

/** Text by path, with the separators of this machine. What a template has goes before what all share. */
export async function projectFiles(project: Project): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const folder of ['shared', project.template]) {
    const root = join(PACKAGE_FOLDER, 'templates', folder)
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const target = targetOf(relative(root, path))
      files.set(target, filledIn(target, await readFile(path, 'utf8'), project))
    }
  }
  return files
}

/**
 * npm leaves some names out of a package, and tools look for others in it: these have a mark before them
 * there.
 */
function targetOf(path: string): string {
  const name = basename(path)
  if (!name.startsWith('_')) return path
  const plain = name.slice(1)
  const isHidden = plain === 'gitignore' || plain === 'dockerignore'
  const folder = dirname(path)
  return `${folder === '.' ? '' : `${folder}${sep}`}${isHidden ? '.' : ''}${plain}`
}

/** What stands in templates for the application's id, which is one itself: they compile as they are. */
const ID = 'my-app'

/** A scope has characters that no topic may have. */
function idOf(name: string): string {
  return name.replace('/', '-').replace(/[@~]/g, '')
}

function filledIn(path: string, text: string, { name, millrace }: Project): string {
  if (path !== 'package.json') return text.replaceAll('{{name}}', name).replaceAll(ID, idOf(name))
  const manifest = JSON.parse(text) as { dependencies: { [name: string]: string } }
  const dependencies = { ...manifest.dependencies, millrace }
  return `${JSON.stringify({ ...manifest, name, dependencies }, undefined, 2)}\n`
}
