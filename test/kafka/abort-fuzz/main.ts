import { parseArgs } from 'node:util'
import { startRealBroker } from '../real-broker.ts'
import { runAbortFuzz } from './abort-fuzz.ts'

const HELP = `npx tsx test/kafka/abort-fuzz/main.ts [--brokers HOST:PORT] [--seed N] [--count N]

Reads random histories of transactions by both paths and with the JVM's consumer, and compares. Without --brokers it
starts a broker of its own. Needs Java. Exit code 1 where something differs.
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    brokers: { type: 'string' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '50' },
  },
})
if (values.help) {
  process.stdout.write(HELP)
} else {
  const own = values.brokers === undefined ? await startRealBroker({ quiet: true }) : undefined
  const { differences, records } = await runAbortFuzz({
    brokers: values.brokers ?? own!.brokers,
    seed: Number(values.seed),
    count: Number(values.count),
    say: line => void process.stdout.write(`${line}\n`),
  })
  await own?.stop()
  for (const each of differences) process.stdout.write(`${each}\n`)
  process.stdout.write(`abort fuzz: ${records} records compared, ${differences.length} differences\n`)
  process.exitCode = differences.length === 0 ? 0 : 1
}
