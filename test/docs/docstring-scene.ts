import { serdes, StreamsBuilder, type KafkaStreams } from 'millrace'
import type { TopologyTestDriver } from 'millrace/testing'

export interface View {
  page: string
  ms: number
}
export interface User {
  name: string
}

const json = <V>() => ({ keySerde: serdes.string(), valueSerde: serdes.json<V>() })

/** What examples in docstrings may use without making it. It is copied into a user's folder with them. */
export function scene() {
  const builder = new StreamsBuilder()
  return {
    builder,
    views: builder.stream('views', json<View>()),
    clicks: builder.stream('clicks', json<number>()),
    likes: builder.stream('likes', json<number>()),
    lines: builder.stream('lines', json<string>()),
    users: builder.table('users', json<User>()),
    titles: builder.globalTable('titles', json<string>()),
  }
}

/** For their types only: no example that uses them says what comes out. */
export declare const streams: KafkaStreams
export declare const driver: TopologyTestDriver
