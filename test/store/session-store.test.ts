import { sessionStoreSuite } from '../conformance/session-store.ts'
import { ENGINE_KINDS } from './engine-kinds.ts'

for (const kind of ENGINE_KINDS) {
  for (const caching of [false, true]) {
    for (const coalescing of [false, true]) sessionStoreSuite({ ...kind, caching, coalescing })
  }
  sessionStoreSuite({ ...kind, caching: false, coalescing: true, readCacheBytesMax: 300 })
}
