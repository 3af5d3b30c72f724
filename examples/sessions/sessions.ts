import { serdes, sessionWindows, StreamsBuilder, untilWindowCloses } from 'millrace'

export interface Click {
  readonly user: string
  readonly page: string
  /** ISO 8601: the time that counts, however late the click arrives. */
  readonly at: string
}

export interface Visit {
  readonly pages: readonly string[]
}

export interface VisitOf extends Visit {
  readonly name: string | null
  readonly startMs: number
  readonly endMs: number
}

const MINUTE_MS = 60_000
const keySerde = serdes.string()
export const clickSerdes = { keySerde, valueSerde: serdes.json<Click>() }
export const nameSerdes = { keySerde, valueSerde: serdes.string() }
export const visitSerdes = { keySerde, valueSerde: serdes.json<VisitOf>() }

const builder = new StreamsBuilder()
const names = builder.table('names', nameSerdes)

/** A visit ends with half an hour without a click; clicks that come up to ten minutes late still count. */
export const visits = builder
  .stream('clicks', { ...clickSerdes, timestampExtractor: ({ value }) => Date.parse(value.at) })
  .groupBy(click => click.user, { keySerde })
  .windowedBy(sessionWindows({ inactivityGapMs: 30 * MINUTE_MS, graceMs: 10 * MINUTE_MS }))
  .aggregate(
    (): Visit => ({ pages: [] }),
    ({ pages }, { page }) => ({ pages: [...pages, page] }),
    (left, right) => ({ pages: [...left.pages, ...right.pages] }),
    { storeName: 'visits', valueSerde: serdes.json() },
  )

// Each visit once, when it is over.
visits
  .suppress(untilWindowCloses({ buffer: 'unbounded' }))
  .toStream()
  .filter(visit => visit !== null)
  .map(({ pages }, { key, window }) => [key, { pages, ...window }])
  .leftJoin(names, (visit, name): VisitOf => ({ ...visit, name }), { keySerde, valueSerde: serdes.json() })
  .to('visits', visitSerdes)

export const topics = ['clicks', 'names', 'visits'].map(topic => ({ topic, partitionCount: 4 }))
export default builder.build()
