import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brokerJars } from '../kafka/broker-jars.ts'
import { startRealBroker } from '../kafka/real-broker.ts'

const run = promisify(execFile)
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/**
 * Writes names-4.3.1.tsv anew: `npx tsx test/metrics/golden.ts`, with Java and the broker that
 * `npm run kafka` starts.
 */
const directory = await mkdtemp(join(tmpdir(), 'millrace-metric-names-'))
const broker = await startRealBroker({})
try {
  const jars = join(await brokerJars(line => process.stderr.write(`${line}\n`)), '*')
  await run('javac', ['-cp', jars, '-d', directory, here('jvm/MetricNames.java')])
  const { stdout } = await run(
    'java',
    ['-cp', `${directory}:${jars}`, 'MetricNames', broker.brokers, join(directory, 'state')],
    { maxBuffer: 1 << 24 },
  )
  await writeFile(here('names-4.3.1.tsv'), stdout)
} finally {
  await broker.stop()
  await rm(directory, { recursive: true, force: true })
}
