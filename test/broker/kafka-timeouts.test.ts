import { describe, expect, test } from 'vitest'
import type { ProducerOptions } from '../../lib/broker/broker.ts'
import { clientSettings, type ClientProperties } from '../../lib/broker/kafka/settings/client-settings.ts'
import type { DirectProduce } from '../../lib/broker/kafka/adapter/direct-path.ts'
import { memberSettings } from '../../lib/broker/kafka/native/native-group-member.ts'
import { producerSettings } from '../../lib/broker/kafka/native/librdkafka-producer.ts'
import { openProducer } from '../../lib/broker/kafka/adapter/open-producer.ts'
import { produceSettings } from '../../lib/broker/kafka/client/produce/produce-settings.ts'
import { producerTimeouts } from '../../lib/broker/kafka/settings/producer-timeouts.ts'
import { fetcherSettings } from '../../lib/broker/kafka/native/native-fetcher.ts'
import { controlSettings } from '../../lib/broker/kafka/native/native-transaction-control.ts'
import type { NativeSettings } from '../../lib/broker/kafka/settings/client-settings.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'

const TRANSACTIONAL = { clientId: 'test', onSendError: () => 'fail' as const, transactionalId: 'tx' }

/**
 * Each contradicts itself, or the default transaction of 10 s; the message names both settings and their
 * values.
 */
const CONTRADICTIONS: readonly {
  readonly client: ClientProperties
  readonly names: string
  readonly options?: Partial<ProducerOptions>
}[] = [
  {
    client: { 'message.timeout.ms': 20_000 },
    names: 'message.timeout.ms is 20000 ms, transactionTimeoutMs is 10000 ms',
  },
  {
    client: { 'delivery.timeout.ms': '3001' },
    options: { transactionTimeoutMs: 3_000 },
    names: 'delivery.timeout.ms is 3001 ms, transactionTimeoutMs is 3000 ms',
  },
  {
    client: { 'message.timeout.ms': 0 },
    names: 'message.timeout.ms is without limit, transactionTimeoutMs is 10000 ms',
  },
  {
    client: { 'socket.timeout.ms': 10_000 },
    names: 'socket.timeout.ms is 10000 ms, transactionTimeoutMs is 10000 ms',
  },
  {
    client: { 'socket.timeout.ms': 6_000, 'request.timeout.ms': 5_000 },
    names: 'socket.timeout.ms is 6000 ms, request.timeout.ms is 5000 ms, transactionTimeoutMs is 10000 ms',
  },
  {
    client: { 'linger.ms': 10_000 },
    names: 'linger.ms is 10000 ms, transactionTimeoutMs is 10000 ms',
  },
]

/** They need no transaction to be wrong. */
const OF_THE_CLIENT: readonly { readonly client: ClientProperties; readonly names: string }[] = [
  {
    client: { 'socket.timeout.ms': 5_000, 'message.timeout.ms': 5_000 },
    names: 'socket.timeout.ms is 5000 ms, message.timeout.ms is 5000 ms',
  },
  {
    client: { 'socket.timeout.ms': 120_000 },
    names: 'socket.timeout.ms is 120000 ms, message.timeout.ms is 120000 ms',
  },
  {
    client: { 'queue.buffering.max.ms': 300, 'message.timeout.ms': 300 },
    names: 'queue.buffering.max.ms is 300 ms, message.timeout.ms is 300 ms',
  },
]

describe('times that contradict each other', () => {
  test.each(CONTRADICTIONS)(
    'are refused where a transaction begins: $names',
    async ({ client, names, options }) => {
      for (const direct of [undefined, directPath()]) {
        const error = await openWith({ ...TRANSACTIONAL, ...options }, client, direct)
        expect(error).toMatchObject({ name: 'ConfigError', code: 'CONFLICTING_SETTINGS' })
        expect(error.message).toContain(names)
        expect(error.message).toMatch(/must be (at most|less than) .*: lower the one or raise the other$/)
      }
    },
  )

  test.each(OF_THE_CLIENT)('are refused before a broker is looked for: $names', async ({ client, names }) => {
    const error = await openBroker('127.0.0.1:1', { client }).catch((reason: unknown) => reason as Error)
    expect(error).toMatchObject({ name: 'ConfigError', code: 'CONFLICTING_SETTINGS' })
    expect((error as Error).message).toContain(names)
  })

  test('are refused of a member whose session is too short for three heartbeats, or longer than its polls', () => {
    expect(() => memberSettings({ groupId: 'g', sessionTimeoutMs: 2 })).toThrow(
      'heartbeat.interval.ms is 1 ms, sessionTimeoutMs is 2 ms',
    )
    expect(() => memberSettings({ groupId: 'g', sessionTimeoutMs: 11, pollIntervalMsMax: 10 })).toThrow(
      'sessionTimeoutMs is 11 ms, pollIntervalMsMax is 10 ms',
    )
  })
})

describe('times that are left out', () => {
  test.each([
    { client: {}, transaction: undefined, gives: [10_000, 30_000, 120_000] },
    { client: {}, transaction: 10_000, gives: [5_000, 5_000, 10_000] },
    { client: {}, transaction: 600_000, gives: [10_000, 30_000, 120_000] },
    { client: { 'socket.timeout.ms': 9_000 }, transaction: 10_000, gives: [9_000, 1_000, 10_000] },
    { client: { 'message.timeout.ms': 2_000 }, transaction: 10_000, gives: [1_000, 1_000, 2_000] },
    { client: { 'message.timeout.ms': 2_000 }, transaction: undefined, gives: [1_000, 1_000, 2_000] },
    { client: { 'message.timeout.ms': 0 }, transaction: undefined, gives: [10_000, 30_000, Infinity] },
  ])('give way to $client and a transaction of $transaction ms', ({ client, transaction, gives }) => {
    const { requestTimeoutMs, replicationTimeoutMs, deliveryTimeoutMs } = producerTimeouts(
      client,
      transaction,
    )
    expect([requestTimeoutMs, replicationTimeoutMs, deliveryTimeoutMs]).toEqual(gives)
  })

  test.each([
    { client: {}, transactionalId: undefined, gives: [10_000, 120_000] },
    { client: {}, transactionalId: 'tx', gives: [9_900, 10_000] },
    { client: { 'socket.timeout.ms': 3_000 }, transactionalId: 'tx', gives: [3_000, 10_000] },
    { client: { 'message.timeout.ms': 2_000 }, transactionalId: 'tx', gives: [1_900, 2_000] },
    { client: { 'delivery.timeout.ms': 2_000 }, transactionalId: undefined, gives: [1_900, 2_000] },
    { client: { 'message.timeout.ms': 0 }, transactionalId: undefined, gives: [10_000, 0] },
  ])('are told to the native client: $client, transactional id $transactionalId', given => {
    const { client, transactionalId, gives } = given
    const options = { clientId: 'test', onSendError: () => 'fail' as const }
    const own = producerSettings(transactionalId ? { ...options, transactionalId } : options, client)
    const settings = clientSettings('127.0.0.1:1', client, 'test', own)
    expect([settings['socket.timeout.ms'], settings['message.timeout.ms']]).toEqual(gives)
  })

  test.each([
    { client: {}, control: 4_000, records: 10_000 },
    { client: { 'socket.timeout.ms': 7_000 }, control: 7_000, records: 7_000 },
    // Below which librdkafka refuses its settings.
    { client: { 'fetch.wait.max.ms': 5_000 }, control: 6_500, records: 10_000 },
  ])('what is small is waited for less long than records: $client', ({ client, control, records }) => {
    const settings = (own: NativeSettings) =>
      clientSettings('127.0.0.1:1', client, 'test', own)['socket.timeout.ms']
    expect(settings(memberSettings({ groupId: 'g' }))).toBe(control)
    expect(settings(fetcherSettings(1_024, client))).toBe(records)
    const direct = connectionSettings(client)
    expect(direct.requestTimeoutMs).toBe('socket.timeout.ms' in client ? 7_000 : 10_000)
    expect(direct.controlTimeoutMs).toBe('socket.timeout.ms' in client ? 7_000 : 4_000)
  })

  test.each([
    { client: {}, transactionTimeoutMs: 10_000, gives: 4_000 },
    { client: {}, transactionTimeoutMs: 2_000, gives: 1_900 },
    { client: { 'socket.timeout.ms': 6_000 }, transactionTimeoutMs: 10_000, gives: 6_000 },
  ])(
    'a native producer that sends no records waits as for what is small: $client, $transactionTimeoutMs ms',
    ({ client, transactionTimeoutMs, gives }) => {
      const producer = producerSettings({ ...TRANSACTIONAL, transactionTimeoutMs }, client)
      expect(controlSettings(client, producer)['socket.timeout.ms']).toBe(gives)
    },
  )

  test('a session gives way to the interval of polls, and heartbeats to it', () => {
    expect(memberSettings({ groupId: 'g', pollIntervalMsMax: 1_200 })).toMatchObject({
      'session.timeout.ms': 1_200,
      'heartbeat.interval.ms': 400,
    })
    expect(memberSettings({ groupId: 'g' })).toMatchObject({
      'session.timeout.ms': 6_000,
      'heartbeat.interval.ms': 1_000,
    })
  })
})

/** Nothing of it is used before the settings are checked. */
function directPath(): DirectProduce {
  const security = { tls: undefined, sasl: undefined }
  const connect = { clientId: 'test', clock: systemClock, settings: connectionSettings({}), security }
  return { connect, settings: produceSettings({}), notify: () => undefined } as unknown as DirectProduce
}

async function openWith(
  options: ProducerOptions,
  client: ClientProperties,
  direct: DirectProduce | undefined,
): Promise<Error> {
  const fail = () => {
    throw new Error('a client was made of them')
  }
  const context = { module: {} as never, client, clock: systemClock, direct, settings: fail, connect: fail }
  return openProducer(options, context).then(
    () => new Error('a producer was opened'),
    (reason: unknown) => reason as Error,
  )
}
