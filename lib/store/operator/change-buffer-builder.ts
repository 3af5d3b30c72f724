import type { StoreBuilder } from '../contract/state-store.ts'
import { validStoreName } from '../contract/store-name.ts'
import { ChangeBuffer, type ChangeBufferSettings } from './change-buffer.ts'

export interface ChangeBufferOptions extends ChangeBufferSettings {
  readonly logging: false | { readonly config?: { readonly [name: string]: string } } | undefined
}

export function changeBufferBuilder(options: ChangeBufferOptions): StoreBuilder<ChangeBuffer> {
  const { keySerde, valueSerde, logging } = options
  const name = validStoreName(options.name)
  return {
    name,
    kind: 'buffer of a suppression',
    persistent: true,
    changelog: logging === false ? undefined : { config: logging?.config ?? {}, cleanupPolicy: 'compact' },
    caching: false,
    build: () => new ChangeBuffer({ name, keySerde, valueSerde }),
  }
}
