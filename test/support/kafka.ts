import { createRequire } from 'node:module'
import { inject } from 'vitest'

export type KafkaForTests = { readonly brokers: string } | { readonly skipped: string }

/**
 * The real broker of this test run: `KAFKA_BROKERS` if set, else one that the run starts. Where it cannot be had the reason comes
 * back instead, is printed, and the tests are skipped; `MILLRACE_REQUIRE_KAFKA=1` makes that a failure.
 */
export async function kafkaForTests(): Promise<KafkaForTests> {
  const answer = await findBroker()
  if ('brokers' in answer) return answer
  if (process.env['MILLRACE_REQUIRE_KAFKA'] === '1') {
    throw new Error(`MILLRACE_REQUIRE_KAFKA is set, but: ${answer.skipped}`)
  }
  process.stderr.write(`tests on a real broker are skipped: ${answer.skipped}\n`)
  return answer
}

async function findBroker(): Promise<KafkaForTests> {
  const client = missingClient()
  if (client) return { skipped: client }
  const given = process.env['KAFKA_BROKERS']
  if (given) return { brokers: given }
  const response = await fetch(inject('kafkaStarter'))
  return (await response.json()) as KafkaForTests
}

function missingClient(): string | undefined {
  try {
    createRequire(import.meta.url)('@confluentinc/kafka-javascript')
    return undefined
  } catch (reason) {
    return `the native client @confluentinc/kafka-javascript does not load (${String(reason)})`
  }
}
