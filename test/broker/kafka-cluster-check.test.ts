import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { FrameReader } from '../../lib/broker/kafka/protocol/frame-reader.ts'
import { securityOf } from '../../lib/broker/kafka/client/connection/security.ts'
import { systemClock } from '../../lib/common/clock.ts'

const [METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE] = [3, 17, 18, 36]
const SASL_AUTHENTICATION_FAILED = 58

type Broker = 'takes us' | 'refuses us' | 'is away'

/** Answers what comes before the first question, in the oldest form of each. */
async function broker(kind: Broker): Promise<string> {
  const server = createServer(socket => {
    const frames = new FrameReader(1_000)
    socket.on('error', () => undefined)
    socket.on('data', chunk =>
      frames.push(chunk, frame => {
        const body = answer(frame.readInt16BE(0), kind)
        const header = Buffer.alloc(8)
        header.writeInt32BE(body.length + 4, 0)
        header.writeInt32BE(frame.readInt32BE(4), 4)
        socket.write(Buffer.concat([header, body]))
      }),
    )
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  if (kind === 'is away') server.close()
  else onTestFinished(() => void server.close())
  return `127.0.0.1:${port}`
}

function answer(key: number, kind: Broker): Buffer {
  if (key === API_VERSIONS) {
    const apis = [METADATA, SASL_HANDSHAKE, SASL_AUTHENTICATE].flatMap(each => [
      int16(each),
      int16(0),
      int16(12),
    ])
    return Buffer.concat([int16(0), int32(apis.length / 3), ...apis])
  }
  if (key === SASL_HANDSHAKE) return Buffer.concat([int16(0), int32(0)])
  const code = kind === 'refuses us' ? SASL_AUTHENTICATION_FAILED : 0
  // No message, no bytes, and no end of the credentials.
  return Buffer.concat([int16(code), int16(-1), int32(0), Buffer.alloc(8)])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

test.each<{ brokers: readonly Broker[]; comesTo: string }>([
  { brokers: ['takes us'], comesTo: 'connected' },
  { brokers: ['refuses us', 'takes us'], comesTo: 'connected' },
  { brokers: ['is away', 'takes us'], comesTo: 'connected' },
  { brokers: ['refuses us'], comesTo: 'SASL_AUTHENTICATION_FAILED' },
  { brokers: ['refuses us', 'is away'], comesTo: 'SASL_AUTHENTICATION_FAILED' },
  { brokers: ['is away', 'refuses us'], comesTo: 'SASL_AUTHENTICATION_FAILED' },
  { brokers: ['is away', 'is away'], comesTo: 'BROKER_UNREACHABLE' },
])('a cluster of which one each $brokers: $comesTo', async ({ brokers, comesTo }) => {
  const client = {
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanism': 'PLAIN',
    'sasl.username': 'u',
    'sasl.password': 'p',
  }
  const addresses = await Promise.all(brokers.map(broker))
  const security = await securityOf(client, systemClock)
  const options = { clientId: 'test', clock: systemClock, settings: connectionSettings(client), security }
  const cluster = new Cluster(addresses.join(','), options)
  onTestFinished(() => cluster.close())
  const outcome = await cluster.check().then(
    () => 'connected',
    (reason: { readonly code: string }) => reason.code,
  )
  expect(outcome).toBe(comesTo)
})
