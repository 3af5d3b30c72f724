import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelEngine } from '../../lib/store/engine/level-engine.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import type { KeyValueSubject } from '../conformance/key-value-store.ts'
import { keyValueStoreSuite } from '../conformance/key-value-store.ts'

async function openLevel() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  const engine = await openLevelEngine(directory)
  async function dispose(): Promise<void> {
    await engine.close()
    await rm(directory, { recursive: true, force: true })
  }
  return { engine, dispose }
}

async function openMemory() {
  const engine = openMemoryEngine()
  return { engine, dispose: () => engine.close() }
}

const kinds: Pick<KeyValueSubject, 'engine' | 'openEngine'>[] = [
  { engine: 'memory', openEngine: openMemory },
  { engine: 'level', openEngine: openLevel },
]
for (const kind of kinds) {
  for (const caching of [false, true]) {
    for (const coalescing of [false, true]) {
      for (const timestamped of [false, true]) {
        keyValueStoreSuite({ ...kind, caching, coalescing, timestamped })
      }
    }
  }
}
keyValueStoreSuite({
  ...kinds[0]!,
  caching: false,
  coalescing: true,
  timestamped: true,
  readCacheBytesMax: 0,
})
keyValueStoreSuite({
  ...kinds[1]!,
  caching: true,
  coalescing: true,
  timestamped: false,
  readCacheBytesMax: 400,
})
