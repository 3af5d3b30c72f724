import { ConfigError } from '../../common/errors/errors.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import { stores } from '../../store/builders/stores.ts'
import type { Graph } from '../graph/graph.ts'
import type { GraphNode } from '../graph/graph-node.ts'
import { checkName } from '../graph/node-name.ts'
import { addStreamNode, processorRole } from '../kit/add-node.ts'
import type { StreamHandle } from '../kit/handles.ts'
import { addRepartition, behindRepartition, planRepartition } from '../kit/plan-repartition.ts'
import { ChannelOf } from './channel-of.ts'
import type { ChannelsOptions } from '../options/channels-options.ts'
import { FillPushLog, type PushLogSettings } from './fill-push-log.ts'
import { NumberEvents } from './number-events.ts'
import {
  channelEventSerde,
  channelNumberSerde,
  pushEventSerde,
  pushLogName,
  type PushEvent,
} from './push-event.ts'

const DAY_MS = 24 * 3_600_000
const RETENTION_LEAST_MS = 60_000
const keySerde = serdes.string() as Serde<unknown>
const serdesOfTopic = { keySerde, valueSerde: pushEventSerde as Serde<unknown> }

/**
 * Ends a stream in channels: events get their channel as key, a number of their channel, and go to a topic of
 * the application, which every process has in a store.
 */
export function toChannels<K, V>(stream: StreamHandle, options: ChannelsOptions<K, V>): void {
  const name = checkName(options.name)
  const { retentionMs = DAY_MS, eventsMax = 1_000, partitionCount = 4 } = options
  checkAtLeast(retentionMs, RETENTION_LEAST_MS, { name, option: 'retentionMs' })
  checkAtLeast(eventsMax, 1, { name, option: 'eventsMax' })
  checkAtLeast(partitionCount, 1, { name, option: 'partitionCount' })
  const { graph } = stream
  const numbered = numberEvents(byChannel(stream, options), name, retentionMs)
  const sink = { kind: 'sink', isOwn: true, topic: name, partitioner: undefined, ...serdesOfTopic } as const
  graph.add(`${name}-sink`, sink, numbered)
  addLog(graph, name, partitionCount, { storeName: pushLogName(name), retentionMs, eventsMax })
}

function byChannel<K, V>(stream: StreamHandle, options: ChannelsOptions<K, V>): StreamHandle {
  const { name, channel } = options
  const isKeyed = channel === undefined && !stream.repartitionRequired
  const get = (node: string) => new ChannelOf(options, node)
  const role = { changesKey: !isKeyed, changesValue: true }
  const node = { prefix: '', name: `${name}-channel`, get, role }
  const settings = {
    topicPrefix: `${name}-channels`,
    keySerde,
    valueSerde: channelEventSerde as Serde<unknown>,
    optimizable: false,
  }
  const events = addStreamNode(stream, node, settings)
  if (isKeyed) return events
  const planned = planRepartition(stream.graph, settings)
  return behindRepartition(events, addRepartition(events, planned), planned.sourceName, settings)
}

function numberEvents(events: StreamHandle, name: string, retentionMs: number): GraphNode {
  const { graph } = events
  const numbersStore = `${name}-numbers`
  const timersStore = `${name}-timers`
  const valueSerde = channelNumberSerde
  const builders = [
    stores.keyValueStore({ name: numbersStore, keySerde: serdes.string(), valueSerde, ranges: false }),
    stores.timers({ name: timersStore, keySerde: serdes.string() }),
  ]
  for (const builder of builders) graph.add(builder.name, { kind: 'store', builder }, graph.root)
  const supplier = { get: () => new NumberEvents({ numbersStore, timersStore, retentionMs }) }
  const role = processorRole({ supplier, stores: [numbersStore, timersStore], changesValue: true })
  return graph.add(name, role, events.node)
}

function addLog(graph: Graph, name: string, partitionCount: number, settings: PushLogSettings): void {
  const { storeName, retentionMs } = settings
  graph.add(
    storeName,
    {
      kind: 'global-store',
      sourceName: `${name}-source`,
      topic: name,
      consumed: serdesOfTopic,
      own: { partitionCount, config: topicConfig(retentionMs), isKept: false },
      supplier: { get: () => new FillPushLog(settings) },
      builder: stores.keyValueStore<string, PushEvent>({
        name: storeName,
        keySerde: serdes.string(),
        valueSerde: pushEventSerde,
        persistent: false,
      }),
    },
    graph.root,
  )
}

/** Segments are deleted as a whole, so they are a fraction of what is kept. */
function topicConfig(retentionMs: number) {
  return {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs),
    'segment.ms': String(Math.max(RETENTION_LEAST_MS, Math.ceil(retentionMs / 4))),
  }
}

function checkAtLeast(
  value: number,
  least: number,
  { name, option }: { readonly name: string; readonly option: string },
): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new ConfigError(
    'INVALID_OPTION',
    `${option} of toChannels "${name}" is ${value}: it must be a whole number of at least ${least}`,
  )
}
