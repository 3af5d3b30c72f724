import { openMemoryEngine } from '../../../lib/store/engine/memory-engine.ts'
import { storeEngineSuite } from '../../conformance/store-engine.ts'

storeEngineSuite({
  name: 'memory',
  persistent: false,
  open: async () => openMemoryEngine(),
  newPlace: async () => '',
  dispose: async () => undefined,
})
