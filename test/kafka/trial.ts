import { parseArgs } from 'node:util'
import { startRealBroker } from './real-broker.ts'

const HELP = `npm run kafka [-- OPTIONS]

Starts one Kafka node on loopback for trials and tests, prints its address, and stops on Ctrl-C.
The broker is fetched by Maven the first time (about 130 MB). Needs Java 17 and Maven.

  --port PORT        listen there instead of on a free port
  --data DIRECTORY   keep the data there; without it they are removed at the end
  --help             this text
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { help: { type: 'boolean' }, port: { type: 'string' }, data: { type: 'string' } },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const port = values.port === undefined ? undefined : Number(values.port)
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    process.stderr.write(`--port ${values.port} is not a port\n`)
    return 2
  }
  const stopped = signalled()
  const broker = await startRealBroker({
    ...(port === undefined ? {} : { port }),
    ...(values.data === undefined ? {} : { dataDirectory: values.data }),
  })
  process.stdout.write(howToUse(broker.brokers))
  await stopped
  process.stderr.write('kafka: stopping\n')
  await broker.stop()
  return 0
}

function howToUse(brokers: string): string {
  return `Kafka listens on ${brokers}. In another terminal:

  KAFKA_BROKERS=${brokers} npx vitest run test/broker
  npx millrace run topologies/contacts-import.ts --brokers ${brokers}

Ctrl-C stops it.
`
}

function signalled(): Promise<void> {
  return new Promise(resolve => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve())
  })
}

main().then(
  code => {
    process.exitCode = code
  },
  (reason: unknown) => {
    process.stderr.write(`${reason instanceof Error ? reason.message : String(reason)}\n`)
    process.exitCode = 1
  },
)
