import type { Readable } from 'node:stream'
import type { Admin, Broker } from '../../broker/broker.ts'
import { present } from '../../common/assert.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Ending } from '../lifecycle/ending.ts'
import { feedInput, openInput } from '../records/feed-input.ts'
import type { Job } from './job.ts'
import type { InputOption } from '../options/option-values.ts'
import { FeedProgress } from './run-progress.ts'
import type { Teardown } from '../lifecycle/teardown.ts'
import { terminalProgress } from '../output/terminal.ts'

interface FeedOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly ending: Ending
  readonly teardown: Teardown
}

/** Starts to write every `--input`; resolves, when all are open, to a promise for the end of all of them. */
export async function startFeeds(job: Job, around: FeedOptions): Promise<{ readonly done: Promise<void> }> {
  const opened: Feed[] = []
  for (const input of job.options.input) {
    const { name, value } = input
    opened.push({ input, topic: name, source: value, stream: await openInput(value, '--input') })
  }
  const feeds = opened.map(feed => runFeed(job, feed, around))
  const done = Promise.all(feeds).then(() => undefined)
  done.catch((error: unknown) => around.ending.fail(errorFrom(error)))
  around.teardown.add('the input', async () => {
    await Promise.allSettled(feeds)
  })
  return { done }
}

interface Feed {
  readonly input: InputOption
  readonly topic: string
  readonly source: string
  readonly stream: Readable
}

async function runFeed(job: Job, feed: Feed, { broker, admin, ending }: FeedOptions): Promise<void> {
  const { input, topic, source, stream } = feed
  const { clock, logger, options } = job
  const description = (await admin.describeTopics([topic])).get(topic)
  const { partitionCount } = present(description, `topic ${topic}`)
  const progress = await FeedProgress.open(topic, stream)
  const stopTelling = terminalProgress.add(progress, logger)
  const producer = await broker.producer({ clientId: 'millrace-input' })
  try {
    const { signal } = ending
    const { keySeparator = options.inputKeySeparator } = input
    const named = input.keySeparator === undefined ? '--input-key-separator' : `--input ${topic}=…,key=`
    const count = await feedInput(stream, {
      topic,
      partitionCount,
      source,
      keySeparator,
      named: { source: '--input', keySeparator: named },
      onSent: sent => progress.sent(sent),
      producer,
      clock,
      signal,
    })
    logger.log('info', `${count} lines of ${source === '-' ? 'standard input' : source} written to ${topic}`)
  } finally {
    stopTelling()
    await producer.close()
  }
}
