import {
  joinWindows,
  serdes,
  StreamsBuilder,
  timeWindows,
  type Topology,
  type TopologySettings,
} from 'millrace'

/** What `millrace run` is told: `--set workload=count --set input=… --set right=… --set output=…`. */
interface Topics {
  readonly input: string
  /** The right-hand side of joins. */
  readonly right: string
  readonly output: string
}

interface Order {
  readonly id: string
  readonly site: string
  readonly amount: number
  readonly note: string
}

const WINDOW_MS = 60_000
const string = serdes.string()
const bytes = serdes.bytes()
const strings = { keySerde: string, valueSerde: string }

/** The same topologies as in bench/jvm/Topologies.java; what changes here must change there. */
const WORKLOADS: { readonly [name: string]: (builder: StreamsBuilder, topics: Topics) => void } = {
  'pass-through': (builder, { input, output }) => {
    builder
      .stream(input, { keySerde: bytes, valueSerde: bytes })
      .to(output, { keySerde: bytes, valueSerde: bytes })
  },

  'json-map': (builder, { input, output }) => {
    builder
      .stream(input, { keySerde: bytes, valueSerde: serdes.json<Order>() })
      // In place, as on the other side: the value was made for this record alone.
      .mapValues(order => Object.assign(order, { total: order.amount * 2, checked: true }))
      .to(output, { keySerde: bytes, valueSerde: serdes.json() })
  },

  count: (builder, { input, output }) => {
    builder
      .stream(input, { keySerde: string, valueSerde: bytes })
      .groupByKey()
      .count({ storeName: 'counts' })
      .toStream()
      .to(output, { keySerde: string, valueSerde: serdes.int64() })
  },

  'windowed-count': (builder, { input, output }) => {
    builder
      .stream(input, { keySerde: string, valueSerde: bytes })
      .groupByKey()
      .windowedBy(timeWindows({ sizeMs: WINDOW_MS, graceMs: 10_000 }))
      .count({ storeName: 'counts' })
      .toStream()
      .to(output, { keySerde: serdes.windowed(string, WINDOW_MS), valueSerde: serdes.int64() })
  },

  /** For the costs of large state, not compared: a row a key, as large as its value. */
  latest: (builder, { input, output }) => {
    builder
      .stream(input, { keySerde: string, valueSerde: bytes })
      .groupByKey()
      .reduce((_, latest) => latest, { storeName: 'latest' })
      .toStream()
      .to(output, { keySerde: string, valueSerde: bytes })
  },

  'stream-table-join': (builder, { input, right, output }) => {
    const sites = builder.table(right, strings)
    builder
      .stream(input, strings)
      .join(sites, (order, site) => order + site)
      .to(output, strings)
  },

  'stream-stream-join': (builder, { input, right, output }) => {
    const shipments = builder.stream(right, strings)
    builder
      .stream(input, strings)
      .join(shipments, (order, shipment) => order + shipment, {
        windows: joinWindows({ timeDifferenceMs: 5_000, graceMs: 60_000 }),
        ...strings,
        otherValueSerde: string,
      })
      .to(output, strings)
  },

  'foreign-key-join': (builder, { input, right, output }) => {
    const sites = builder.table(right, strings)
    builder
      .table(input, strings)
      .join(sites, siteOf, (order, site) => order + site)
      .toStream()
      .to(output, strings)
  },
}

function siteOf(order: string): string {
  const { amount } = JSON.parse(order) as Order
  return `key-${String(amount).padStart(8, '0')}`
}

export default function topology(settings: TopologySettings): Topology {
  const { workload = '', input = '', right = '', output = '' } = settings
  const build = WORKLOADS[workload]
  if (!build) throw new Error(`there is no workload "${workload}"`)
  const builder = new StreamsBuilder()
  build(builder, { input, right, output })
  return builder.build()
}
