import { returningToSender, type StreamPartitioner } from '../../../processor/stream-partitioner.ts'
import type { Processor } from '../../../processor/processor.ts'
import { serdes } from '../../../serde/serdes.ts'
import { stores } from '../../../store/builders/stores.ts'
import { AnswerSubscribers } from '../../foreign-key/answer-subscribers.ts'
import { AnswerSubscription } from '../../foreign-key/answer-subscription.ts'
import type { ForeignKeyJoinPlan } from '../../foreign-key/foreign-key-join-plan.ts'
import { ReceiveSubscription } from '../../foreign-key/receive-subscription.ts'
import { ResolveResponse } from '../../foreign-key/resolve-response.ts'
import { SendSubscription } from '../../foreign-key/send-subscription.ts'
import type { SubscriptionResponse } from '../../foreign-key/subscription-response.ts'
import { subscriptionResponseSerde } from '../../foreign-key/subscription-response.ts'
import { subscriptionSerde } from '../../foreign-key/subscription.ts'
import type { Joiner, Mapper } from '../../options/functions.ts'
import type { GraphNode } from '../../graph/graph-node.ts'
import { mayNeedName, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { ForeignKeyJoinOptions } from '../../options/options.ts'
import type { TableHandle } from '../../kit/handles.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import { synchronous, synchronousJoiner } from '../../kit/synchronous.ts'
import { checkSameBuilder, processorRole } from '../../kit/add-node.ts'
import type { AnyJoiner } from '../../joins/table-join-side.ts'
import { TableSource } from '../../kit/table-source.ts'

const FK_JOIN = 'KTABLE-FK-JOIN-'
const SINK = 'KTABLE-SINK-'
const SOURCE = 'KTABLE-SOURCE-'

/**
 * All names of one join, in the order in which Kafka Streams draws numbers, which so is part of the names.
 */
function drawNames({ graph }: TableHandle, given: string | undefined) {
  const draw = (prefix: string, suffix: string) => graph.name(given, prefix, suffix)
  return {
    subscriptionTopic: `${draw(`${FK_JOIN}SUBSCRIPTION-REGISTRATION-`, '-subscription-registration')}-topic`,
    send: draw(`${FK_JOIN}SUBSCRIPTION-REGISTRATION-`, '-subscription-registration-processor'),
    subscriptionSink: draw(SINK, '-subscription-registration-sink'),
    subscriptionSource: draw(SOURCE, '-subscription-registration-source'),
    store: draw(`${FK_JOIN}SUBSCRIPTION-STATE-STORE-`, '-subscription-store'),
    receive: draw(`${FK_JOIN}SUBSCRIPTION-PROCESSOR-`, '-subscription-receive'),
    answerSubscription: draw(`${FK_JOIN}SUBSCRIPTION-PROCESSOR-`, '-subscription-join-foreign'),
    answerSubscribers: draw(`${FK_JOIN}SUBSCRIPTION-PROCESSOR-`, '-foreign-join-subscription'),
    responseTopic: `${draw(`${FK_JOIN}SUBSCRIPTION-RESPONSE-`, '-subscription-response')}-topic`,
    responseSink: draw(SINK, '-subscription-response-sink'),
    responseSource: draw(SOURCE, '-subscription-response-source'),
    resolve: draw(`${FK_JOIN}SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-`, '-subscription-response-resolver'),
    result: draw(`${FK_JOIN}OUTPUT-`, '-result'),
  }
}

/**
 * Joins rows with the row of another table that each names (KIP-213). The left side sends a subscription to
 * the partition of the foreign key; the right side keeps it, and answers at once and whenever its row
 * changes; the left side joins. Both ways go through topics of the application.
 */
export function joinForeignKey<K, V, KO, VO, VR>(
  left: TableHandle,
  right: TableHandle,
  extractor: Mapper<K, V, KO | null>,
  joiner: Joiner<K, V, VO, VR>,
  isLeft: boolean,
  options: ForeignKeyJoinOptions<K, KO, NonNullable<VR>> = {},
): TableHandle {
  checkSameBuilder(left, right)
  right.operator.requestOldValues(true)
  left.operator.requestOldValues(true)
  const names = drawNames(left, options.name)
  const method = isLeft ? 'leftJoin' : 'join'
  const extracts = { callback: `the foreign key of ${method}`, node: names.send }
  const joins = { callback: `the joiner of ${method}`, node: names.resolve }
  const plan: ForeignKeyJoinPlan = {
    extractor: (value, key) => synchronous(extractor(value as V, key as K), extracts),
    left: isLeft,
    subscriptionTopic: names.subscriptionTopic,
    storeName: names.store,
    primaryKeySerde: left.keySerde,
    primaryValueSerde: left.valueSerde,
    foreignKeySerde: right.keySerde,
  }
  const subscriptions = addSubscriptionTopic(left, right, plan, names, options)
  const responses = addResponseTopic(left, right, plan, names, subscriptions, options)
  return addResult(left, responses, plan, names, synchronousJoiner(joiner as AnyJoiner, joins), options)
}

type Names = ReturnType<typeof drawNames>

function addSubscriptionTopic<K, KO, VR>(
  left: TableHandle,
  right: TableHandle,
  plan: ForeignKeyJoinPlan,
  names: Names,
  { otherPartitioner }: ForeignKeyJoinOptions<K, KO, VR>,
): GraphNode {
  const { graph } = left
  const formats = { keySerde: right.keySerde, valueSerde: subscriptionSerde }
  const send = graph.add(
    names.send,
    processorRole({ supplier: { get: () => new SendSubscription(plan, isVersioned(left.operator)) } }),
    left.node,
  )
  const topic = names.subscriptionTopic
  const partitioner = otherPartitioner && keyOnly(otherPartitioner)
  const sink = graph.add(
    names.subscriptionSink,
    { kind: 'sink', internal: true, topic, ...formats, partitioner },
    send,
  )
  graph.coPartition(right.sources, new Set([names.subscriptionSource]))
  return graph.add(names.subscriptionSource, internalSource(topic, formats), sink)
}

function addResponseTopic<K, KO, VR>(
  left: TableHandle,
  right: TableHandle,
  plan: ForeignKeyJoinPlan,
  names: Names,
  subscriptions: GraphNode,
  { partitioner }: ForeignKeyJoinOptions<K, KO, VR>,
): GraphNode {
  const { graph } = left
  const rows = right.operator.values()
  const builder = stores.timestampedKeyValueStore({
    name: names.store,
    keySerde: serdes.bytes(),
    valueSerde: subscriptionSerde,
  })
  graph.add(names.store, { kind: 'store', builder }, graph.root)
  const node = (name: string, parent: GraphNode, used: readonly string[], get: () => Processor) =>
    graph.add(name, processorRole({ supplier: { get }, stores: used }), parent)
  const received = node(names.receive, subscriptions, [names.store], () => new ReceiveSubscription(plan))
  const answered = node(
    names.answerSubscription,
    received,
    rows.storeNames,
    () => new AnswerSubscription(plan, rows),
  )
  const told = node(
    names.answerSubscribers,
    right.node,
    [names.store],
    () => new AnswerSubscribers(plan, isVersioned(right.operator)),
  )
  const formats = { keySerde: left.keySerde, valueSerde: subscriptionResponseSerde(right.valueSerde) }
  const topic = names.responseTopic
  const chosen = partitioner ? keyOnly(partitioner) : toPrimaryPartition
  const sink = graph.add(
    names.responseSink,
    { kind: 'sink', internal: true, topic, ...formats, partitioner: chosen },
    answered,
    told,
  )
  return graph.add(names.responseSource, internalSource(topic, formats), sink)
}

function addResult<K, KO, VR>(
  left: TableHandle,
  responses: GraphNode,
  plan: ForeignKeyJoinPlan,
  names: Names,
  joiner: AnyJoiner,
  options: ForeignKeyJoinOptions<K, KO, VR>,
): TableHandle {
  const { graph, keySerde } = left
  const sources = graph.coPartition(left.sources, new Set([names.responseSource]))
  const rows = left.operator.values()
  const get = () => new ResolveResponse(plan, rows, joiner)
  const resolve = graph.add(
    names.resolve,
    processorRole({ supplier: { get }, stores: rows.storeNames }),
    responses,
  )
  const store = mayNeedName(
    graph,
    tableStore(graph, options, `${FK_JOIN}OUTPUT-`, { keySerde, valueSerde: undefined }),
  )
  const operator = new TableSource(store.name, store.queryable, store.historyRetentionMs)
  const ownStore = () => (operator.materialized ? storeBuilder(store) : undefined)
  return {
    graph,
    node: graph.add(names.result, processorRole({ supplier: operator, ownStore }), resolve),
    name: names.result,
    keySerde,
    valueSerde: store.valueSerde,
    sources,
    operator,
    queryableStoreName: store.queryable ? store.name : undefined,
  }
}

function internalSource(topic: string, formats: Pick<TableHandle, 'keySerde' | 'valueSerde'>) {
  const { keySerde, valueSerde } = formats
  const consumed = { ...(keySerde && { keySerde }), ...(valueSerde && { valueSerde }) }
  return { kind: 'stream-source', topics: [topic], pattern: undefined, consumed } as const
}

/**
 * The answer goes back to where the subscription came from, however the left table's topic is partitioned
 * (KIP-775).
 */
const toPrimaryPartition = returningToSender(value => (value as SubscriptionResponse).primaryPartition)

/** A user's partitioner of keys: values are the join's own. */
function keyOnly<K>(partitioner: StreamPartitioner<K, null>): StreamPartitioner {
  return (_value, key, topic, count) => partitioner(null, key as K, topic, count)
}
