import { createRequire } from 'node:module'
import { relative } from 'node:path'
import { describe, expect, inject } from 'vitest'
import { missingForBroker } from '../kafka/broker-jars.ts'
import { findChromium } from './chromium.ts'
import { missingJdk } from './java.ts'
import { missingPostgres } from './postgres.ts'

/**
 * What a suite may need that not every machine has. `broker` is the one that all suites of a run share:
 * `KAFKA_BROKERS` if set, else one that the run starts. `JVM`: a suite runs programs of the JVM, or a broker
 * of its own. `JDK`: it compiles Java. `cluster`: it borrows the run's cluster of three (`borrowCluster`).
 * `package`: it packs the package and installs it, or reads all of its types.
 */
export type Need =
  'native client' | 'broker' | 'JVM' | 'JDK' | 'cluster' | 'Chromium' | 'package' | 'PostgreSQL'

export interface Found {
  /** `host:port` of the shared broker; empty where it is not needed or not there. */
  readonly brokers: string
  /** Declares a suite, as `describe`; skipped where something is missing. */
  suite(name: string, body: () => void): Promise<void>
}

/** What makes a missing thing a failure in place of a skip. CI sets all of them. */
const REQUIRED_BY: { readonly [need in Need]: string } = {
  'native client': 'MILLRACE_REQUIRE_KAFKA',
  broker: 'MILLRACE_REQUIRE_KAFKA',
  JVM: 'MILLRACE_REQUIRE_KAFKA',
  JDK: 'MILLRACE_REQUIRE_KAFKA',
  cluster: 'MILLRACE_CLUSTER',
  Chromium: 'MILLRACE_REQUIRE_BROWSER',
  package: 'MILLRACE_PACKAGE',
  PostgreSQL: 'MILLRACE_REQUIRE_POSTGRES',
}

/**
 * What a test file needs of the machine. Where something is missing, the suites declared by `suite` are
 * skipped; the run's last lines name each once, and say once what to install.
 */
export async function needs(...wanted: readonly Need[]): Promise<Found> {
  const answers = await Promise.all(wanted.map(look))
  const missing = answers.flatMap(({ missing }) => missing ?? [])
  return {
    brokers: answers.find(({ brokers }) => brokers)?.brokers ?? '',
    suite: async (name, body) => {
      if (missing.length > 0) await tell(`${name} (${testFile()})`, missing)
      describe.skipIf(missing.length > 0)(name, body)
    },
  }
}

interface Answer {
  readonly brokers?: string
  readonly missing?: string
}

async function look(need: Need): Promise<Answer> {
  const answer = await LOOKS[need]()
  const variable = REQUIRED_BY[need]
  if (answer.missing && process.env[variable] === '1')
    throw new Error(`${variable} is set, but: ${answer.missing}`)
  return answer
}

const LOOKS: { readonly [need in Need]: () => Answer | Promise<Answer> } = {
  'native client': missingClient,
  broker: sharedBroker,
  JVM: async () => answerOf(await missingForBroker()),
  JDK: async () => answerOf(await missingJdk()),
  cluster: async () => answerOf(await missingCluster()),
  package: () => answerOf(missingPackage()),
  PostgreSQL: () => answerOf(missingPostgres()),
  Chromium: () =>
    answerOf(findChromium() ? undefined : 'Chromium is missing: install it, or name it by CHROMIUM'),
}

function answerOf(missing: string | undefined): Answer {
  return missing === undefined ? {} : { missing }
}

function missingClient(): Answer {
  const name = '@confluentinc/kafka-javascript'
  try {
    createRequire(import.meta.url)(name)
    return {}
  } catch (reason) {
    const [first] = String(reason).split('\n', 1)
    return { missing: `the native client is missing: npm install ${name} (${first})` }
  }
}

/** As with the cluster: only a change of the build or of the public types can break it. */
function missingPackage(): string | undefined {
  if (process.env['MILLRACE_PACKAGE'] === '1') return undefined
  return 'MILLRACE_PACKAGE=1 is missing: it asks for the suites that install the package, a minute more'
}

/** Its suites take minutes: whoever only wants to see the tests pass is not to wait for them. */
async function missingCluster(): Promise<string | undefined> {
  const missing = (await missingForBroker()) ?? (await missingJdk())
  if (missing !== undefined || process.env['MILLRACE_CLUSTER'] === '1') return missing
  return 'MILLRACE_CLUSTER=1 is missing: it asks for the suites on a cluster of three, six minutes more'
}

async function sharedBroker(): Promise<Answer> {
  const given = process.env['KAFKA_BROKERS']
  if (given) return { brokers: given }
  return (await (await fetch(inject('runServer'))).json()) as Answer
}

/** Relative to the project. */
function testFile(): string {
  return relative(process.cwd(), expect.getState().testPath ?? '')
}

async function tell(suite: string, missing: readonly string[]): Promise<void> {
  await fetch(inject('runServer'), { method: 'POST', body: JSON.stringify({ suite, missing }) })
}
