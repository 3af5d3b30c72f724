import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { startRealBroker } from '../kafka/real-broker.ts'
import type { RealBroker } from '../kafka/real-broker.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a test file asks for the run's broker; the first question starts it. */
    kafkaStarter: string
  }
}

/** One broker for the whole run, started when a test file first asks for it: runs without Kafka tests pay nothing. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let broker: Promise<RealBroker> | undefined
  const server = createServer((_request, response) => {
    broker ??= startRealBroker()
    broker.then(
      ({ brokers }) => response.end(JSON.stringify({ brokers })),
      (reason: unknown) => response.end(JSON.stringify({ skipped: String(reason) })),
    )
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  project.provide('kafkaStarter', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await (await broker?.catch(() => undefined))?.stop()
  }
}
