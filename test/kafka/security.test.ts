import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import type { ClientProperties } from '../../lib/broker/kafka/settings/client-settings.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { openConnection } from '../../lib/broker/kafka/client/connection/open-connection.ts'
import { needsNative, securityOf } from '../../lib/broker/kafka/client/connection/security.ts'
import { openKafkaBroker } from '../../lib/broker/kafka/adapter/kafka-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import type { Logger } from '../../lib/common/logger.ts'
import { record, refusal, valueText } from '../conformance/broker/stage.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { freePort } from './broker-process.ts'
import { startRealBroker, type RealBroker } from './real-broker.ts'
import { makeCertificate } from './support/certificate.ts'

const { suite } = await needs('native client', 'JVM')

const [USER, PASSWORD] = ['alice', 'secret']
/** So short that connections have to be renewed during a test. */
const REAUTHENTICATE_MS = 2_000

await suite('a broker with TLS and SASL', () => {
  let node: RealBroker
  let ca = ''
  const ports = { tls: 0, sasl: 0, saslTls: 0 }
  let directory = ''

  beforeAll(async () => {
    for (const name of ['tls', 'sasl', 'saslTls'] as const) ports[name] = await freePort()
    directory = await mkdtemp(join(tmpdir(), 'millrace-tls-'))
    const certificate = await makeCertificate(directory)
    ca = certificate.authority
    node = await startRealBroker({
      quiet: true,
      listeners: [
        { name: 'TLS', protocol: 'SSL', port: ports.tls },
        { name: 'SASL', protocol: 'SASL_PLAINTEXT', port: ports.sasl },
        { name: 'SASLTLS', protocol: 'SASL_SSL', port: ports.saslTls },
      ],
      scramUsers: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
        mechanism => `${mechanism}=[name=${USER},password=${PASSWORD}]`,
      ),
      properties: {
        'ssl.keystore.location': certificate.keystore,
        'ssl.keystore.password': certificate.password,
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        ...jaas('sasl'),
        ...jaas('sasltls'),
        'listener.name.sasl.scram-sha-256.connections.max.reauth.ms': String(REAUTHENTICATE_MS),
      },
    })
  })
  afterAll(async () => {
    await node?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const credentials = { 'sasl.username': USER, 'sasl.password': PASSWORD }
  const cases: readonly { name: string; port: keyof typeof ports; client: () => ClientProperties }[] = [
    {
      name: 'TLS, the authority in a file',
      port: 'tls',
      client: () => ({ 'security.protocol': 'ssl', 'ssl.ca.location': ca }),
    },
    {
      name: 'PLAIN over TLS',
      port: 'saslTls',
      client: () => ({
        'security.protocol': 'SASL_SSL',
        'sasl.mechanisms': 'PLAIN',
        'ssl.ca.location': ca,
        ...credentials,
      }),
    },
    ...['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map(mechanism => ({
      name: mechanism,
      port: 'sasl' as const,
      client: () => ({ 'security.protocol': 'sasl_plaintext', 'sasl.mechanism': mechanism, ...credentials }),
    })),
    {
      name: 'OAUTHBEARER with an unsecured token',
      port: 'sasl',
      client: () => ({
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'OAUTHBEARER',
        'enable.sasl.oauthbearer.unsecure.jwt': true,
        'sasl.oauthbearer.config': `principal=${USER} lifeSeconds=60`,
      }),
    },
  ]

  test.each(cases)('is read directly: $name', async ({ port, client }) => {
    const lines: string[] = []
    const broker = await open(ports[port], client(), lines)
    await expectReading(broker)
    await broker.close()
    expect(lines).toEqual([])
  })

  test.each([
    { name: 'a wrong password', port: 'sasl' as const, mechanism: 'PLAIN' },
    { name: 'a wrong password for SCRAM', port: 'sasl' as const, mechanism: 'SCRAM-SHA-512' },
    { name: 'a mechanism that the broker has not', port: 'sasl' as const, mechanism: 'SCRAM-SHA-256-PLUS' },
  ])('refuses $name at once, and says why', async ({ port, mechanism }) => {
    const known = mechanism.replace('-PLUS', '')
    const client = { 'security.protocol': 'sasl_plaintext', 'sasl.mechanism': known, ...credentials }
    const security = await securityOf({ ...client, 'sasl.password': 'wrong' }, systemClock)
    const sasl = security.sasl && { ...security.sasl, name: mechanism }
    const error = await refusal(connect(ports[port], { ...security, sasl }))
    expect(error.class).toBe('authentication')
    expect(error.message).toContain(`127.0.0.1:${ports[port]}`)
  })

  test('a certificate that nobody vouches for is refused at once', async () => {
    const security = await securityOf({ 'security.protocol': 'ssl' }, systemClock)
    const error = await refusal(connect(ports.tls, security))
    expect(error).toMatchObject({ class: 'authentication', code: 'TLS_FAILED' })
    const careless = { 'security.protocol': 'ssl', 'enable.ssl.certificate.verification': false }
    const open = await connect(ports.tls, await securityOf(careless, systemClock))
    open.connection.close()
  })

  test('a connection is renewed before its credentials end, and reading goes on', async () => {
    const lines: string[] = []
    const client = {
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanism': 'SCRAM-SHA-256',
      ...credentials,
    }
    const broker = await open(ports.sasl, client, lines)
    const topic = await topicOf(broker)
    const producer = await broker.producer({ clientId: 'secured' })
    const consumer = await broker.consumer({ clientId: 'secured', isolation: 'read_committed' })
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    const started = performance.now()
    let [sent, read] = [0, 0]
    await eventually(
      async () => {
        producer.send(record(topic, `${(sent += 1)}`))
        await producer.flush()
        await consumer.ready(200)
        for (const batch of consumer.poll(100)) read += batch.records.length
        return performance.now() - started > 2 * REAUTHENTICATE_MS && read === sent
      },
      { what: 'two lifetimes' },
    )
    await Promise.all([consumer.close(), producer.close()])
    await broker.close()
    expect(lines.filter(line => !line.includes('native'))).toEqual([])
  })

  async function open(port: number, client: ClientProperties, lines: string[]): Promise<Broker> {
    const logger: Logger = { log: (level, message) => void (level === 'warn' && lines.push(message)) }
    return openKafkaBroker({ brokers: `127.0.0.1:${port}`, client, clock: systemClock, logger })
  }

  function connect(port: number, security: Awaited<ReturnType<typeof securityOf>>) {
    const options = { clientId: 'secured', clock: systemClock, settings: connectionSettings({}), security }
    return openConnection({ host: '127.0.0.1', port }, options)
  }
})

describe('what the direct path leaves to the native client', () => {
  const sasl = { 'security.protocol': 'sasl_ssl' }
  test.each([
    { client: {}, needs: undefined },
    { client: sasl, needs: 'sasl.mechanism "GSSAPI"' },
    { client: { ...sasl, 'sasl.mechanisms': 'AWS_MSK_IAM' }, needs: 'sasl.mechanism "AWS_MSK_IAM"' },
    { client: { 'security.protocol': 'sassl' }, needs: 'security.protocol "sassl"' },
    { client: { 'client.rack': 'a' }, needs: 'the setting "client.rack"' },
    { client: { ...sasl, 'sasl.mechanism': 'OAUTHBEARER' }, needs: 'OAUTHBEARER without' },
    {
      client: { ...sasl, 'sasl.mechanism': 'OAUTHBEARER', 'sasl.oauthbearer.method': 'oidc' },
      needs: undefined,
    },
    { client: { ...sasl, 'sasl.mechanism': 'scram-sha-256' }, needs: undefined },
  ])('$client: $needs', ({ client, needs }) => {
    const reason = needsNative(client as ClientProperties)
    if (needs === undefined) expect(reason).toBeUndefined()
    else expect(reason).toContain(needs)
  })
})

async function topicOf(broker: Broker): Promise<string> {
  const topic = `secured-${randomUUID()}`
  const admin = await broker.admin()
  await admin.createTopics([{ topic, partitionCount: 1 }])
  return topic
}

async function expectReading(broker: Broker): Promise<void> {
  const topic = await topicOf(broker)
  const producer = await broker.producer({ clientId: 'secured' })
  const consumer = await broker.consumer({ clientId: 'secured', isolation: 'read_committed' })
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  producer.send(record(topic, 'secret'))
  await producer.flush()
  const read: string[] = []
  const attempt = async () => {
    await consumer.ready(100)
    for (const batch of consumer.poll(10)) read.push(...batch.records.map(valueText))
    return read.length > 0
  }
  await eventually(attempt, { what: 'the record' })
  await Promise.all([consumer.close(), producer.close()])
  expect(read).toEqual(['secret'])
}

function jaas(listener: string): { [name: string]: string } {
  const module = (name: string, rest: string) => `org.apache.kafka.common.security.${name} required${rest};`
  const setting = (mechanism: string) => `listener.name.${listener}.${mechanism}.sasl.jaas.config`
  const scram = module('scram.ScramLoginModule', '')
  return {
    [setting('plain')]: module('plain.PlainLoginModule', ` user_${USER}="${PASSWORD}"`),
    [setting('scram-sha-256')]: scram,
    [setting('scram-sha-512')]: scram,
    [setting('oauthbearer')]: module(
      'oauthbearer.OAuthBearerLoginModule',
      ' unsecuredLoginStringClaim_sub="broker"',
    ),
  }
}
