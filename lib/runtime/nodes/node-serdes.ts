import { ConfigError } from '../../common/errors/errors.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { DefaultSerdes } from '../plan/settings.ts'

/**
 * The serdes of a source or sink: its own, or the application's. Looked up when a task is built, not with the
 * first record.
 */
export function serdesOf(
  node: {
    readonly name: string
    readonly keySerde: Serde<unknown> | undefined
    readonly valueSerde: Serde<unknown> | undefined
  },
  defaults: DefaultSerdes,
): { keySerde: Serde<unknown>; valueSerde: Serde<unknown> } {
  return {
    keySerde: resolveSerde(node.keySerde, defaults.defaultKeySerde) ?? missing(node.name, 'key'),
    valueSerde: resolveSerde(node.valueSerde, defaults.defaultValueSerde) ?? missing(node.name, 'value'),
  }
}

/**
 * A serde that fails with the first record instead of at once: a sink that only ever sees tombstones, or no
 * keys, needs no serde for them.
 */
function missing(nodeName: string, part: 'key' | 'value'): Serde<unknown> {
  const fail = (): never => {
    const setting = part === 'key' ? 'keySerde' : 'valueSerde'
    throw new ConfigError(
      'SERDE_MISSING',
      `node "${nodeName}" has no ${setting}: give it one, or set default${part === 'key' ? 'Key' : 'Value'}Serde`,
    )
  }
  return { name: 'none', serialize: fail, deserialize: fail }
}
