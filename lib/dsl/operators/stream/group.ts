import type { Serde } from '../../../serde/serde.ts'
import type { Mapper } from '../../options/functions.ts'
import { checkName } from '../../graph/node-name.ts'
import type { GroupedOptions } from '../../options/options.ts'
import type { GroupedHandle, StreamHandle } from '../../kit/handles.ts'
import { selectKey } from './select-key.ts'

/**
 * Groups a stream. Nothing is added to the graph: the aggregation adds the repartition step, since the topic
 * may be named after its store.
 */
export function groupByKey<K, V>(stream: StreamHandle, options: GroupedOptions<K, V> = {}): GroupedHandle {
  return {
    stream: withSerdes(stream, options),
    repartitionRequired: stream.repartitionRequired,
    givenName: options.name === undefined ? undefined : checkName(options.name),
    namedRepartition: {},
  }
}

export function groupBy<K, V, KR>(
  stream: StreamHandle,
  selector: Mapper<K, V, KR>,
  options: GroupedOptions<KR, V> = {},
): GroupedHandle {
  const name = options.name === undefined ? {} : { name: options.name }
  return groupByKey(selectKey(stream, selector, name, 'the selector of groupBy'), options)
}

function withSerdes(
  stream: StreamHandle,
  options: { readonly keySerde?: Serde<unknown>; readonly valueSerde?: Serde<unknown> },
): StreamHandle {
  const keySerde = options.keySerde ?? stream.keySerde
  return { ...stream, keySerde, valueSerde: options.valueSerde ?? stream.valueSerde }
}
