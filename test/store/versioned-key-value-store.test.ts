import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openLevelEngine } from '../../lib/store/engine/level-engine.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { versionedStoreSuite } from '../conformance/versioned-key-value-store.ts'

async function openLevel() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-versioned-'))
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

versionedStoreSuite({ title: 'memory, coalescing', openEngine: openMemory, coalescing: true, runs: 150 })
versionedStoreSuite({
  title: 'memory, no clean values kept',
  openEngine: openMemory,
  coalescing: false,
  readCacheBytesMax: 0,
  runs: 50,
})
versionedStoreSuite({ title: 'level', openEngine: openLevel, coalescing: true, runs: 15 })

describe('the builder of versioned stores', () => {
  test('keeps the changelog from being compacted within the history, and a day longer', () => {
    const { changelog } = stores.versionedKeyValueStore({ name: 's', historyRetentionMs: 1000 })
    expect(changelog).toEqual({ cleanupPolicy: 'compact', config: { 'min.compaction.lag.ms': '86401000' } })
  })

  test('lets the user have the last word on the changelog', () => {
    const config = { 'min.compaction.lag.ms': '1', 'segment.ms': '2' }
    const { changelog } = stores.versionedKeyValueStore({
      name: 's',
      historyRetentionMs: 1000,
      logging: { config },
    })
    expect(changelog?.config).toEqual(config)
  })

  test('refuses spans that are none', () => {
    expect(() => stores.versionedKeyValueStore({ name: 's', historyRetentionMs: -1 })).toThrow(
      /historyRetentionMs is -1/,
    )
    expect(() =>
      stores.versionedKeyValueStore({ name: 's', historyRetentionMs: 1, segmentIntervalMs: 0 }),
    ).toThrow(/segmentIntervalMs is 0/)
  })
})
