import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ChannelsOptions } from '../../lib/dsl/options/channels-options.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Topology } from '../../lib/topology/topology.ts'

export const SECRET = 'a secret of the tests'
export const PARTITIONS = 2

/** An import that tells how far it is. */
export interface Told {
  readonly type: 'started' | 'progress' | 'completed'
  readonly job: string
  readonly percent?: number
}

const source = { keySerde: serdes.string(), valueSerde: serdes.json<Told>() }
const channels: ChannelsOptions<string, Told> = {
  name: 'push',
  terminal: ({ type }) => type === 'completed',
  mergeKey: ({ type, job }) => (type === 'progress' ? job : undefined),
}

export function pushTopology(options: Partial<ChannelsOptions<string, Told>> = {}): Topology {
  const builder = new StreamsBuilder()
  builder.stream<string, Told>('told', source).toChannels({ ...channels, ...options })
  return builder.build()
}

/** Each event takes some milliseconds, as a call of another service would. */
export function slowPushTopology(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream<string, Told>('told', source)
    .mapValuesAsync(
      async told => {
        await new Promise(resolve => setTimeout(resolve, 5))
        return told
      },
      { concurrency: 1, name: 'slow', valueSerde: serdes.json<Told>() },
    )
    .toChannels(channels)
  return builder.build()
}
