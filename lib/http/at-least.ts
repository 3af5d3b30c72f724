import type { TopicPartitionOffset } from '../broker/broker.ts'
import { badParameter } from './http-error.ts'
import type { Query } from './query.ts'
import type { ServedStore } from './served-stores.ts'

export const AT_LEAST = 'atLeast'

/**
 * Waits until the store shows what the record that the request names has led to. Throws `STALE` after
 * `timeoutMs`.
 */
export async function untilAtLeast(store: ServedStore, query: Query, timeoutMs: number): Promise<void> {
  const text = query.text(AT_LEAST)
  if (text === undefined) return
  const position = parsePosition(text)
  if (store.staleness) return store.staleness.reached(position, { timeoutMs })
  throw badParameter(
    AT_LEAST,
    `nobody measures store "${store.name}": give httpApp or serveHttp the option stores: { ${JSON.stringify(store.name)}: { staleness } }`,
  )
}

function parsePosition(text: string): TopicPartitionOffset {
  const match = /^(.+)-(\d{1,9}):(\d{1,16})$/.exec(text)
  if (match) return { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) }
  throw badParameter(AT_LEAST, `${JSON.stringify(text)} is not TOPIC-PARTITION:OFFSET, as in sites-0:17`)
}
