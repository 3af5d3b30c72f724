import { onTestFinished } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { ConsoleChild } from '../../lib/console/child/console-child.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Audit } from '../../lib/streams/topology-file.ts'
import { planOptions } from '../../lib/streams/config.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics } from '../support/topics.ts'

export interface Answer<T = Record<string, unknown>> {
  readonly status: number
  readonly body: T
}

/** An application on a broker in memory, with the console's part of its process on a socket. */
export async function openConsole(
  topology: Topology,
  topics: Readonly<Record<string, number>>,
  { audits = [], clock = systemClock }: { readonly audits?: readonly Audit[]; readonly clock?: Clock } = {},
) {
  const broker = await openBroker('memory', { logger: silentLogger })
  const admin = await broker.admin()
  await createTopics(broker, topics)
  const config = { applicationId: 'shop', stateDir: await temporaryDirectory(), commitIntervalMs: 20 }
  const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
  // A socket's path has a short limit.
  const folder = await mkdtemp(join(tmpdir(), 'mr-'))
  const socketPath = join(folder, 's')
  const around = { broker, admin, clock, logger: silentLogger }
  const child = await ConsoleChild.open({ socketPath, siteUrl: 'http://site', ...around })
  const plan = topology.plan('shop', planOptions(config as never))
  const serve = child.add({ streams, plan, config, audits })
  onTestFinished(async () => {
    await child.close()
    await streams.close()
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  })
  await streams.start()
  const send = <T>(method: string, path: string, body?: unknown) => ask<T>(socketPath, method, path, body)
  return { streams, broker, child, serve, socketPath, send, get: <T>(path: string) => send<T>('GET', path) }
}

export function ask<T>(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, method, path, headers: { host: 'localhost' } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const isJson = response.headers['content-type']?.includes('application/json')
        resolve({ status: response.statusCode ?? 0, body: (isJson ? JSON.parse(text) : text) as T })
      })
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Data of the first `count` events of this name; the connection is cut then. */
export function events<T>(socketPath: string, path: string, name: string, count: number): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path, headers: { host: 'localhost' } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        const found = [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].filter(
          ([, event]) => event === name,
        )
        if (found.length < count) return
        request.destroy()
        resolve(found.slice(0, count).map(([, , data]) => JSON.parse(data!) as T))
      })
      response.on('error', () => undefined)
    })
    request.on('error', reject)
    request.end()
  })
}
