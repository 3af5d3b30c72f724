import { describe, expect, it } from 'vitest'
import { TopologyError } from '../../lib/common/errors/errors.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { Topology } from '../../lib/topology/topology.ts'

const nothing = (): Processor => ({ process: () => undefined })
const store = (name: string) => stores.keyValueStore<string, string>({ name })

function codeOf(build: () => unknown): string {
  try {
    build()
  } catch (error) {
    if (error instanceof TopologyError) return error.code
    throw error
  }
  return 'none'
}

describe('topology: additions that cannot be', () => {
  const base = () =>
    new Topology()
      .addSource('source', { topics: ['in'] })
      .addProcessor('processor', nothing, { parents: ['source'] })
      .addSink('sink', { topic: 'out', parents: ['processor'] })

  it.each([
    ['a source without topics', () => base().addSource('s', { topics: [] }), 'SOURCE_WITHOUT_TOPICS'],
    ['a name used twice', () => base().addSource('sink', { topics: ['in2'] }), 'NODE_EXISTS'],
    ['a topic read twice', () => base().addSource('s', { topics: ['x', 'in'] }), 'TOPIC_READ_TWICE'],
    ['no parent', () => base().addProcessor('p', nothing, { parents: [] }), 'NO_PARENT'],
    ['an unknown parent', () => base().addSink('s', { topic: 't', parents: ['x'] }), 'UNKNOWN_PARENT'],
    ['itself as parent', () => base().addProcessor('p', nothing, { parents: ['p'] }), 'OWN_PARENT'],
    ['a sink as parent', () => base().addProcessor('p', nothing, { parents: ['sink'] }), 'SINK_AS_PARENT'],
    ['an unknown store', () => base().connectProcessorAndStateStores('processor', 'x'), 'UNKNOWN_STORE'],
    ['no store to connect', () => base().connectProcessorAndStateStores('processor'), 'NO_STORE_NAMED'],
    ['a store for an unknown node', () => base().addStateStore(store('x'), 'y'), 'UNKNOWN_PROCESSOR'],
    ['a store for a sink', () => base().addStateStore(store('x'), 'sink'), 'STORE_NEEDS_PROCESSOR'],
    [
      'two stores of one name',
      () => base().addStateStore(store('x')).addStateStore(store('x')),
      'STORE_EXISTS',
    ],
    ['no source at all', () => new Topology().plan('app'), 'NO_SOURCE'],
  ])('%s', (_what, build, code) => {
    expect(codeOf(build)).toBe(code)
  })

  it('a global store that is connected, or named twice', () => {
    const withGlobal = () => {
      const options = { sourceName: 'gs', topic: 'global', processorName: 'gp' }
      return base().addGlobalStore(store('global'), nothing, options)
    }
    expect(codeOf(() => withGlobal().connectProcessorAndStateStores('processor', 'global'))).toBe(
      'GLOBAL_STORE_CONNECTED',
    )
    expect(codeOf(() => withGlobal().addStateStore(store('global')))).toBe('STORE_EXISTS')
    expect(codeOf(() => withGlobal().addSource('s', { topics: ['global'] }))).toBe('TOPIC_READ_TWICE')
  })

  it('a supplier that hands out one processor for all tasks', () => {
    const shared = nothing()
    expect(codeOf(() => base().addProcessor('p', () => shared, { parents: ['source'] }))).toBe(
      'SUPPLIER_REUSES_PROCESSOR',
    )
  })

  it('an error leaves the topology as it was', () => {
    const topology = base()
    const before = topology.describe()
    expect(codeOf(() => topology.addSource('s', { topics: ['new', 'in'] }))).toBe('TOPIC_READ_TWICE')
    expect(topology.describe()).toBe(before)
    topology.addSource('s', { topics: ['new'] })
    expect(topology.describe()).toContain('[new]')
  })

  it('the same store builder may be added by all that use it', () => {
    const shared = store('shared')
    const topology = base().addStateStore(shared, 'processor').addStateStore(shared)
    expect(topology.plan('app').subtopologies[0]?.stores).toHaveLength(1)
  })
})

describe('topology: sub-topologies', () => {
  const two = () =>
    new Topology()
      .addSource('a', { topics: ['in-a'] })
      .addSource('b', { topics: ['in-b'] })
      .addProcessor('pb', nothing, { parents: ['b'] })
      .addProcessor('pa', nothing, { parents: ['a'] })

  it('are numbered by their first nodes', () => {
    const plan = two().plan('app')
    expect(plan.subtopologies.map(({ id, sourceTopics }) => [id, ...sourceTopics])).toEqual([
      [0, 'in-a'],
      [1, 'in-b'],
    ])
  })

  it('become one by a shared store, in the order of addition', () => {
    const plan = two().addStateStore(store('shared'), 'pa', 'pb').plan('app')
    expect(plan.subtopologies).toHaveLength(1)
    expect(plan.subtopologies[0]?.nodes.map(node => node.name)).toEqual(['a', 'b', 'pb', 'pa'])
    expect(plan.subtopologies[0]?.sourceTopics).toEqual(['in-a', 'in-b'])
  })

  it('global stores take a number, and stand apart', () => {
    const plan = new Topology()
      .addGlobalStore(store('global'), nothing, { sourceName: 'gs', topic: 'g', processorName: 'gp' })
      .addSource('a', { topics: ['in-a'] })
      .plan('app')
    expect(plan.globalSubtopologies.map(({ id }) => id)).toEqual([0])
    expect(plan.subtopologies.map(({ id }) => id)).toEqual([1])
    expect(plan.globalSubtopologies[0]?.stores).toMatchObject([
      { changelogTopic: 'g', changelogIsSource: true },
    ])
  })
})

describe('topology: the plan', () => {
  it('is frozen', () => {
    const plan = new Topology().addSource('a', { topics: ['in'] }).plan('app')
    expect(Object.isFrozen(plan)).toBe(true)
    expect(Object.isFrozen(plan.subtopologies)).toBe(true)
    expect(Object.isFrozen(plan.subtopologies[0]?.nodes[0])).toBe(true)
  })

  it('names changelogs after application and store, and none where a store is not logged', () => {
    const plan = new Topology()
      .addSource('a', { topics: ['in'] })
      .addProcessor('p', nothing, { parents: ['a'] })
      .addStateStore(store('kept'), 'p')
      .addStateStore(stores.keyValueStore({ name: 'lost', logging: false }), 'p')
      .addStateStore(store('unused'))
      .plan('app')
    const found = plan.subtopologies[0]?.stores.map(({ builder, changelogTopic }) => [
      builder.name,
      changelogTopic,
    ])
    expect(found).toEqual([
      ['kept', 'app-kept-changelog'],
      ['lost', undefined],
    ])
  })

  it('a read-only store is restored from its topic', () => {
    const plan = new Topology()
      .addReadOnlyStateStore(store('copy'), nothing, { sourceName: 's', topic: 'in', processorName: 'p' })
      .plan('app')
    expect(plan.subtopologies[0]?.stores).toMatchObject([{ changelogTopic: 'in', changelogIsSource: true }])
  })

  it('children stand in the order in which they were added, each once', () => {
    const plan = new Topology()
      .addSource('a', { topics: ['in'] })
      .addProcessor('z', nothing, { parents: ['a'] })
      .addProcessor('b', nothing, { parents: ['a', 'a', 'z'] })
      .plan('app')
    const [source] = plan.subtopologies[0]?.nodes ?? []
    expect(source?.kind === 'source' && source.children).toEqual(['z', 'b'])
  })

  it('stores of a supplier are added and connected', () => {
    const supplier = { get: nothing, stores: [store('own')] }
    const plan = new Topology()
      .addSource('a', { topics: ['in'] })
      .addProcessor('p', supplier, { parents: ['a'] })
      .plan('app')
    expect(plan.subtopologies[0]?.nodes[1]).toMatchObject({ name: 'p', stores: ['own'] })
  })
})
