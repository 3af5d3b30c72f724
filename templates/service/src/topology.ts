import { serdes, StreamsBuilder, type Topology } from 'millrace'

export interface Click {
  readonly button: string
}

export const clickSerdes = { keySerde: serdes.string(), valueSerde: serdes.json<Click>() }
export const totalSerdes = { keySerde: serdes.string(), valueSerde: serdes.int64() }

/** Counts clicks by button. A test on a cluster gives it topics of its own. */
export function totalsByButton(input = 'clicks', output = 'totals'): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(input, clickSerdes)
    .groupBy(click => click.button, { keySerde: serdes.string() })
    .count({ storeName: 'totals' })
    .toStream()
    .to(output, totalSerdes)
  return builder.build()
}
