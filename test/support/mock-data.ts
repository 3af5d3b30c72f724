const source = (name: string, topics: readonly string[], children: readonly string[]) => ({
  kind: 'source',
  name,
  topics,
  pattern: null,
  keySerde: 'string',
  valueSerde: 'json',
  children,
})
const processor = (name: string, stores: readonly string[], children: readonly string[]) => ({
  kind: 'processor',
  name,
  stores,
  children,
})
const sink = (name: string, topic: string) => ({
  kind: 'sink',
  name,
  topic,
  keySerde: 'string',
  valueSerde: 'json',
})
const store = (name: string) => ({
  name,
  persistent: true,
  changelogTopic: `orders-${name}-changelog`,
  changelogIsSource: false,
})

export const MOCK_PLAN = {
  subtopologies: [
    {
      id: 0,
      global: false,
      sourceTopics: ['orders'],
      sinkTopics: ['orders-by-country-repartition', 'charges'],
      nodes: [
        source('KSTREAM-SOURCE-0000000000', ['orders'], ['charge', 'KSTREAM-FILTER-0000000002']),
        {
          ...processor('charge', ['parked'], ['KSTREAM-SINK-0000000003']),
          retry: true,
          ownTopics: ['orders-charge-dlq'],
        },
        processor('KSTREAM-FILTER-0000000002', [], ['by-country']),
        sink('KSTREAM-SINK-0000000003', 'charges'),
        sink('by-country', 'orders-by-country-repartition'),
      ],
      stores: [store('parked')],
    },
    {
      id: 1,
      global: false,
      sourceTopics: ['orders-by-country-repartition'],
      sinkTopics: ['revenue'],
      nodes: [
        source(
          'KSTREAM-SOURCE-0000000005',
          ['orders-by-country-repartition'],
          ['KSTREAM-AGGREGATE-0000000004'],
        ),
        processor('KSTREAM-AGGREGATE-0000000004', ['revenue', 'per-minute'], ['KTABLE-TOSTREAM-0000000006']),
        processor('KTABLE-TOSTREAM-0000000006', [], ['KSTREAM-SINK-0000000007']),
        sink('KSTREAM-SINK-0000000007', 'revenue'),
      ],
      stores: [store('revenue'), store('per-minute')],
    },
  ],
  repartitionTopics: ['orders-by-country-repartition'],
  coPartitionGroups: [],
}

const topic = (name: string, kind: string, records: number) => ({
  name,
  kind,
  applications: ['orders'],
  partitionCount: 2,
  records,
  policy: kind === 'changelog' ? 'compact' : 'delete',
  retentionMs: kind === 'changelog' ? null : 604_800_000,
})

export const MOCK_TOPICS = [
  topic('orders', 'input', 48_211),
  topic('charges', 'output', 48_205),
  topic('revenue', 'output', 9_120),
  topic('orders-by-country-repartition', 'repartition', 48_190),
  topic('orders-revenue-changelog', 'changelog', 212),
  topic('orders-charge-dlq', 'letters', 2),
]

export const MOCK_LETTERS = ['user-3', 'user-4'].map((key, at) => ({
  id: `orders-${at}-1${at}`,
  operator: 'charge',
  reason: at === 0 ? 'gave-up' : 'non-retriable',
  attempts: 5 - at,
  key,
  value: { order: `order-${at}`, amount: 'seven' },
  topic: 'orders',
  partition: at,
  offset: 10 + at,
  timestampMs: Date.now() - 300_000,
  error: {
    name: 'TypeError',
    message: 'The amount "seven" is no number',
    stack: 'TypeError: The amount "seven" is no number\n    at charge (orders.ts:12:9)',
  },
  state: 'dead',
  place: { topic: 'orders-charge-dlq', partition: at, offset: at },
}))

export const MOCK_SCHEDULES = [
  {
    id: 'nightly',
    source: 'code',
    definition: { cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
    nextMs: Date.now() + 7_200_000,
    lastMs: Date.now() - 79_200_000,
    isTaken: true,
  },
]

export function mockRecords(params: URLSearchParams) {
  const contains = params.get('contains') ?? ''
  const isAll = params.get('isolation') === 'uncommitted'
  const records = Array.from({ length: 24 }, (_, at) => ({
    partition: at % 2,
    offset: 24_100 - at,
    timestampMs: Date.now() - at * 1_400,
    key: `user-${at % 7}`,
    value: at === 5 ? null : { order: `order-${at}`, amount: 12.5 * at, country: at % 3 === 0 ? 'de' : 'fr' },
    keyFormat: 'text',
    valueFormat: 'json',
    bytes: 64 + at,
    headers: [['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']],
    ...(isAll && at === 3 ? { aborted: true } : {}),
  }))
  return {
    records: records.filter(({ value }) => JSON.stringify(value).includes(contains)),
    next: null,
    ends: {},
  }
}

const NODES = MOCK_PLAN.subtopologies.flatMap(({ nodes }) => nodes.map(({ name }) => name))

/** Numbers that go up and down with the second. */
export function mockLive(second: number, isRestoring: boolean) {
  const perSecond = 420 + Math.round(90 * Math.sin(second / 6))
  const nodes = NODES.map(
    name => [name, { processTotal: 48_000 + second * 400, processRate: perSecond }] as const,
  )
  const lag = Math.max(0, Math.round(300 * Math.sin(second / 9)))
  const partitions = [0, 1].map(partition => ({
    partition,
    begin: 0,
    end: 24_105,
    committed: 24_105 - lag / 2,
    lag: lag / 2,
  }))
  const topics = MOCK_TOPICS.map(
    ({ name, kind }) =>
      [
        name,
        { partitions, rate: perSecond, lag: kind === 'input' || kind === 'repartition' ? lag : null },
      ] as const,
  )
  return {
    atMs: Date.now(),
    state: 'running',
    error: null,
    nodes: Object.fromEntries(nodes),
    topics: Object.fromEntries(topics),
    stores: ['parked', 'revenue', 'per-minute'].map((name, at) => ({
      name,
      kind: at === 2 ? 'timestamped window store' : 'timestamped key-value store',
      isGlobal: false,
      changelogTopic: `orders-${name}-changelog`,
      keys: 40 * (at + 1) ** 4,
      bytes: 18_400 * (at + 1) ** 3,
      partitions: [0, 1],
      lag: 0,
    })),
    tasks: ['0_0', '0_1', '1_0', '1_1'].map((id, at) => ({
      id,
      owner: 'process 0 (4242)',
      state: isRestoring && at === 3 ? 'restoring' : 'running',
      lag: at === 3 ? lag : 0,
      restore: isRestoring && at === 3 ? { done: 61_200, total: 90_000, percent: 68, leftMs: 4_200 } : null,
      streamTimeMs: Date.now() - 900,
      windows: at < 2 ? [] : [WINDOW],
    })),
    commit: {
      total: 900 + second,
      rate: 1.9,
      lastMs: 6 + 4 * Math.sin(second / 4) ** 2,
      p50Ms: 6.2,
      p99Ms: 13.5,
      sinceLastMs: 240,
    },
    latency: { p50Ms: 62, p99Ms: 118 + 30 * Math.sin(second / 7), maxMs: 190 },
    loop: { delayP99Ms: 2.4 + Math.sin(second / 3) },
    memory: { rssBytes: 141_000_000, heapBytes: 58_000_000 },
    waiting: { parked: 3, retrying: 1 },
  }
}

const WINDOW = {
  store: 'per-minute',
  openUntilMs: Math.floor(Date.now() / 60_000) * 60_000 + 65_000,
  why: 'Its grace of 5 s has not passed in stream time. Partition 0 holds stream time back: its last record is 42 s old.',
}
