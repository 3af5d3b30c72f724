import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import { synchronous } from '../kit/synchronous.ts'
import type { ChannelsOptions } from '../options/channels-options.ts'
import { isChannel, type ChannelEvent } from './push-event.ts'

/** Makes events of records, by channel. A record without one is dropped. */
export class ChannelOf<K, V> implements Processor<K, V, string, ChannelEvent> {
  readonly #options: ChannelsOptions<K, V>
  readonly #node: string
  #context!: ProcessorContext<string, ChannelEvent>
  #dropped!: Counter

  constructor(options: ChannelsOptions<K, V>, node: string) {
    this.#options = options
    this.#node = node
  }

  init(context: ProcessorContext<string, ChannelEvent>): void {
    this.#context = context
    this.#dropped = droppedRecords(context)
  }

  process(record: Record<K, V>): void {
    const { value, key } = record
    const channel: unknown = this.#ask('channel', value, key)
    if (!isChannel(channel)) return this.#dropped.add()
    const isTerminal = this.#ask('terminal', value, key) === true
    const mergeKey = this.#ask('mergeKey', value, key)
    const event: ChannelEvent = {
      data: value,
      ...(isTerminal && { isTerminal }),
      // An event that tells an end is never left out for another.
      ...(!isTerminal && typeof mergeKey === 'string' && { mergeKey }),
    }
    this.#context.forward(record.withKey(channel).withValue(event))
  }

  #ask(callback: 'channel' | 'terminal' | 'mergeKey', value: V, key: K): unknown {
    const ask = this.#options[callback]
    if (!ask) return callback === 'channel' ? key : undefined
    return synchronous(ask(value, key), { callback: `${callback} of toChannels`, node: this.#node })
  }
}
