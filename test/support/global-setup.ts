import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'
import { startRealBroker } from '../kafka/real-broker.ts'
import type { RealBroker } from '../kafka/real-broker.ts'
import { missingForBroker } from '../kafka/broker-jars.ts'
import { LocalCluster } from '../kafka/cluster/local-cluster.ts'
import { ClusterLender } from '../kafka/cluster/shared-cluster.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a test file asks for the run's broker (the first question starts it) and tells what it skips. */
    runServer: string
    /** Where it borrows the run's cluster of three, likewise. */
    clusterLender: string
  }
}

/** One broker for the whole run, started when a test file first asks for it: other runs pay nothing. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let broker: Promise<RealBroker> | undefined
  const skipped = new Set<string>()
  const advice = new Set<string>()
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    if (request.method === 'POST') {
      const { suite, missing } = (await json(request)) as { suite: string; missing: readonly string[] }
      const things = new Set(missing.map(reason => reason.split(': ', 1)[0]))
      for (const reason of missing) advice.add(`${reason}\n`)
      return skipped.add(`skipped: ${suite}: ${[...things].join(', ')}\n`).size
    }
    const missing = await missingForBroker()
    if (missing) return { missing }
    broker ??= startRealBroker()
    return { brokers: (await broker).brokers }
  }
  const server = createServer((request, response) => {
    answer(request).then(
      value => response.end(JSON.stringify(value)),
      (reason: unknown) =>
        response.end(JSON.stringify({ missing: `a broker that starts is missing: ${String(reason)}` })),
    )
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const say = (line: string) => void process.stderr.write(`cluster: ${line}\n`)
  const { lender, url } = await ClusterLender.open(() => LocalCluster.start(say))
  project.provide('clusterLender', url)
  project.provide('runServer', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await (await broker?.catch(() => undefined))?.stop()
    await lender.close()
    for (const line of [...[...skipped].sort(), ...advice]) process.stderr.write(line)
  }
}
