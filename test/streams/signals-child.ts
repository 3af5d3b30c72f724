import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'

/** An application that closes on signals: `node --import tsx signals-child.ts STATE-DIR [hangs|fails]`. */
const [stateDir, how] = process.argv.slice(2)
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('in', text).to('out', text)
const topics = ['in', 'out'].map(topic => ({ topic, partitionCount: 1 }))
const broker = await openBroker('memory')
const components = { broker, logger: silentLogger }
const streams = new KafkaStreams(
  builder.build(),
  { applicationId: 'signals', stateDir: stateDir!, topics },
  components,
)
streams.closeOnSignals(async () => {
  process.stdout.write(`${streams.state}\n`)
  if (how === 'fails') throw new Error('sabotage')
  if (how === 'hangs') await new Promise(() => setInterval(() => undefined, 1_000))
  await broker.close()
})
await streams.start()
process.stdout.write('started\n')
