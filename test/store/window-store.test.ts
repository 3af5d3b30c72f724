import { windowStoreSuite } from '../conformance/window-store.ts'
import { ENGINE_KINDS } from './engine-kinds.ts'
import type { WindowSubject } from './window-subject.ts'

for (const kind of ENGINE_KINDS) {
  for (const caching of [false, true]) {
    for (const coalescing of [false, true]) {
      for (const timestamped of [false, true]) {
        windowStoreSuite({ ...kind, caching, coalescing, timestamped, retainDuplicates: false })
      }
    }
  }
  for (const coalescing of [false, true]) {
    const duplicates = { caching: true, timestamped: false, retainDuplicates: true }
    windowStoreSuite({ ...kind, ...duplicates, coalescing })
  }
}

const tiny: Omit<WindowSubject, 'engine' | 'openEngine' | 'caching'> = {
  coalescing: true,
  timestamped: true,
  retainDuplicates: false,
  readCacheBytesMax: 400,
}
windowStoreSuite({ ...ENGINE_KINDS[0]!, ...tiny, caching: true })
windowStoreSuite({ ...ENGINE_KINDS[1]!, ...tiny, caching: false, readCacheBytesMax: 0 })
windowStoreSuite({ ...ENGINE_KINDS[1]!, ...tiny, caching: false, retainDuplicates: true })
