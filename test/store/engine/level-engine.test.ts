import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { utf8 } from '../../../lib/common/bytes.ts'
import { openLevelEngine } from '../../../lib/store/engine/level-engine.ts'
import { storeEngineSuite } from '../../conformance/store-engine.ts'
import { WriteBatch } from '../../../lib/store/engine/write-batch.ts'

const newPlace = () => mkdtemp(join(tmpdir(), 'millrace-engine-'))
const dispose = (place: string) => rm(place, { recursive: true, force: true })

storeEngineSuite({ name: 'level', persistent: true, open: openLevelEngine, newPlace, dispose })

test('level engine: a directory that is open already is refused by name', async () => {
  const place = await newPlace()
  const engine = await openLevelEngine(place)
  await expect(openLevelEngine(place)).rejects.toMatchObject({
    code: 'STATE_DIRECTORY_LOCKED',
    message: expect.stringContaining(place),
  })
  await engine.close()
  await (await openLevelEngine(place)).close()
  await dispose(place)
})

test('level engine: one that is not shared is refused to another copy of this package, too', async () => {
  const place = await newPlace()
  const engine = await openLevelEngine(place, { isShared: false })
  vi.resetModules()
  const copy = await import('../../../lib/store/engine/level-engine.ts')
  expect(copy.openLevelEngine).not.toBe(openLevelEngine)
  await expect(copy.openLevelEngine(place)).rejects.toMatchObject({ code: 'STATE_DIRECTORY_LOCKED' })
  await engine.write(
    WriteBatch.of(Array.from({ length: 1000 }, (_, n) => ({ key: utf8(`k${n}`), value: utf8('') }))),
  )
  await engine.close()
  const next = await copy.openLevelEngine(place)
  expect(next.get(utf8('k999'))).toHaveLength(0)
  await next.close()
  await dispose(place)
})

test('level engine: a directory that cannot be one is a clear error', async () => {
  const place = await newPlace()
  const file = join(place, 'file')
  await writeFile(file, 'not a directory')
  await expect(openLevelEngine(file)).rejects.toMatchObject({ code: 'STATE_DIRECTORY_UNUSABLE' })
  await dispose(place)
})

test('level engine: a damaged database is a corrupted task', async () => {
  const place = await newPlace()
  const engine = await openLevelEngine(place)
  await engine.write(WriteBatch.of([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }]))
  await engine.close()
  await writeFile(join(place, 'CURRENT'), 'not a manifest')
  await expect(openLevelEngine(place)).rejects.toMatchObject({ code: 'TASK_CORRUPTED' })
  await dispose(place)
})
