import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { TopicPrinter } from '../../lib/cli/records/topic-printer.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { createTopics, produce, textOf } from '../support/topics.ts'

it('TopicPrinter: begins at the end it found, and finishes only when all is printed that is committed', async () => {
  const broker = await openEmbeddedBroker()
  const admin = await broker.admin()
  await createTopics(broker, { out: 2 })
  await produce(broker, 'out', 2, [['before', 'x']])
  let printed = ''
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      printed += chunk.toString()
      done()
    },
  })
  const line = ({ key }: { key: Uint8Array | null }) => `${textOf(key)}\n`
  const formats = { heading: '', byTopic: new Map([['out', line]]) }
  const printer = await TopicPrinter.open({
    broker,
    admin,
    formats,
    output,
    clock: systemClock,
    logger: silentLogger,
  })
  const keys = Array.from({ length: 5_000 }, (_, index) => `key-${index}`)
  await produce(
    broker,
    'out',
    2,
    keys.map(key => [key, 'x'] as const),
  )
  await printer.finish()
  await printer.run()
  expect(new Set(printed.trimEnd().split('\n'))).toEqual(new Set(keys))
  await printer.close()
  await admin.close()
  await broker.close()
})
