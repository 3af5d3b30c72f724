import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KafkaStreams, openBroker, silentLogger as logger } from 'millrace'
import { expect, it, vi } from 'vitest'
import { startServer } from '../src/server.ts'
import { clickSerdes, totalsByButton } from '../src/topology.ts'

it('answers over HTTP with what has been clicked', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'state-'))
  await using broker = await openBroker('memory', { logger })
  const topics = ['clicks', 'totals'].map(topic => ({ topic, partitionCount: 2 }))
  await using streams = new KafkaStreams(
    totalsByButton(),
    { applicationId: 'test', stateDir, topics },
    { broker, logger },
  )
  await streams.start()
  await using server = await startServer(streams, broker.topic('clicks', clickSerdes), {
    host: '127.0.0.1',
    port: 0,
    logger,
  })

  expect((await fetch(`${server.url}/clicks/red`, { method: 'POST' })).status).toBe(403)
  const answer = await fetch(`${server.url}/clicks/red`, { method: 'POST', headers: { 'x-click': '1' } })
  expect(answer.status).toBe(204)
  await vi.waitFor(async () => {
    const total = await fetch(`${server.url}/api/stores/totals/red`)
    expect(await total.json()).toMatchObject({ key: 'red', value: 1 })
  })
  await rm(stateDir, { recursive: true })
})
