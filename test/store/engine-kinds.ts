import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { openLevelEngine } from '../../lib/store/engine/level-engine.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'

interface EngineKind {
  readonly engine: 'memory' | 'level'
  openEngine(): Promise<{ engine: Engine; dispose(): Promise<void> }>
}

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

/** The engines that suites of stores run over; each opening is disposed of by whoever asked for it. */
export const ENGINE_KINDS: readonly [EngineKind, EngineKind] = [
  { engine: 'memory', openEngine: openMemory },
  { engine: 'level', openEngine: openLevel },
]
