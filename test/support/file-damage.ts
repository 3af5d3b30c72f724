import { copyFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Something that happens to one file of a directory. */
export interface Damage {
  readonly file: string
  readonly what: string
  inflict(directory: string): Promise<void>
}

/**
 * What can happen to each file of a directory: cut short, flipped at several places, deleted, replaced by
 * what it was in an older copy. `place`: of `count` places the n-th, between 0 and 1.
 */
export async function damagesOf(
  directory: string,
  { older, places }: { readonly older?: string; readonly places: readonly number[] },
): Promise<Damage[]> {
  const olderFiles = new Set(older === undefined ? [] : await readdir(older))
  const damages: Damage[] = []
  for (const file of (await readdir(directory)).sort()) {
    const { size } = await stat(join(directory, file))
    const add = (what: string, inflict: (path: string) => Promise<void>) =>
      damages.push({ file, what, inflict: into => inflict(join(into, file)) })
    add('deleted', path => rm(path))
    if (size > 0) {
      for (const length of new Set([0, Math.floor(size / 3), size - 1]))
        add(`cut to ${length} of ${size}`, path => truncate(path, length))
      for (const at of new Set(places.map(place => Math.floor(place * (size - 1)))))
        add(`flipped at ${at} of ${size}`, path => flip(path, at))
    }
    if (older !== undefined && olderFiles.has(file)) {
      add('of an older copy', path => copyFile(join(older, file), path))
    }
  }
  return damages
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at]! ^= 0xff
  await writeFile(path, bytes)
}
