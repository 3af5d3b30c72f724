import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brokerJars, missingForBroker } from '../../test/kafka/broker-jars.ts'
import type { Side } from './application.ts'
import { MissingError } from './missing-error.ts'

const SOURCES = ['CompareApplication.java', 'Topologies.java'].map(name =>
  fileURLToPath(new URL(`../jvm/${name}`, import.meta.url)),
)

/**
 * Kafka Streams, compiled into the directory against the broker's own jars. Throws `MissingError` where there
 * is no compiler.
 */
export async function jvmSide(directory: string, say: (line: string) => void): Promise<Side> {
  const missing = await missingForBroker()
  if (missing) throw new MissingError(missing)
  const jars = join(await brokerJars(say), '*')
  const classes = join(directory, 'classes')
  await mkdir(classes, { recursive: true })
  await compile(['-cp', jars, '-d', classes, ...SOURCES])
  // As a user would run it: no flag for the JVM but a quieter log.
  const flags = ['-cp', `${classes}:${jars}`, '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
  return {
    name: 'jvm',
    title: 'Kafka Streams',
    command: spec => {
      const given = {
        workload: spec.workload,
        input: spec.input,
        right: spec.right,
        output: spec.output,
        brokers: spec.brokers,
        application: spec.applicationId,
        state: spec.stateDir,
        guarantee: spec.guarantee,
        commitMs: spec.commitMs,
        cacheBytes: spec.cacheBytes,
      }
      const pairs = Object.entries(given).map(([name, value]) => `${name}=${value}`)
      return { program: 'java', args: [...flags, 'CompareApplication', ...pairs] }
    },
  }
}

async function compile(args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('javac', args)
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new MissingError(
        'The Java compiler is missing: install a JDK of version 17 or later (Debian: openjdk-17-jdk-headless)',
      )
    }
    throw reason
  }
}
