import { describe, expect, test } from 'vitest'
import {
  checkClientProperties,
  clientSettings,
  construct,
} from '../../lib/broker/kafka/settings/client-settings.ts'
import { ConnectionLog } from '../../lib/broker/kafka/native/connection-log.ts'
import { loadNativeClient } from '../../lib/broker/kafka/native/load-client.ts'
import { outgoingBytes, outgoingHeaders } from '../../lib/broker/kafka/native/record-headers.ts'
import type { NativeError } from '../../lib/broker/kafka/native/native-client.ts'
import { systemClock } from '../../lib/common/clock.ts'

describe('the native Kafka client', () => {
  test('where it is missing, the error says what to install', async () => {
    const failing = () =>
      Promise.reject(new Error("Cannot find package '@confluentinc/kafka-javascript'\nstack"))
    const error = await loadNativeClient(failing).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'KAFKA_CLIENT_MISSING', class: 'fatal' })
    const { message } = error as Error
    for (const part of ['npm install @confluentinc/kafka-javascript', 'libssl-dev', 'CKJS_LINKING=dynamic']) {
      expect(message).toContain(part)
    }
    expect(message).not.toContain('stack')
  })

  test('security settings reach every client; ours have the last word', () => {
    const security = {
      'security.protocol': 'sasl_ssl',
      'sasl.mechanisms': 'SCRAM-SHA-512',
      'sasl.username': 'u',
      'sasl.password': 'p',
      'ssl.ca.location': '/etc/ca.pem',
    }
    const settings = clientSettings('host:9093', security, 'me', { 'enable.idempotence': true })
    expect(settings).toMatchObject({
      ...security,
      'enable.idempotence': true,
      'bootstrap.servers': 'host:9093',
      'client.id': 'me',
    })
  })

  test.each(['isolation.level', 'transactional.id', 'enable.auto.commit', 'bootstrap.servers'])(
    'the setting %s cannot be changed from outside',
    name => {
      expect(() => checkClientProperties({ [name]: 'x' })).toThrow(name)
    },
  )

  test('a setting that the client refuses is a ConfigError with its words', () => {
    const refuse = () => {
      throw new Error('No such configuration property: "sasl.nonsense"')
    }
    expect(() => construct(refuse)).toThrow(/sasl\.nonsense/)
  })

  test('empty bytes keep an address, since the client takes a Buffer without one for null', () => {
    expect(outgoingBytes(null)).toBeNull()
    const empty = outgoingBytes(new Uint8Array(0))
    expect(empty?.length).toBe(0)
    expect(empty?.buffer.byteLength).toBeGreaterThan(0)
    expect(outgoingHeaders([])).toBeUndefined()
    expect(outgoingHeaders([{ key: '__proto__', value: null }])?.map(each => Object.keys(each))).toEqual([
      ['__proto__'],
    ])
  })

  test('a broker that stays away is a warning once, not every second', () => {
    const levels: string[] = []
    const log = new ConnectionLog(systemClock, { log: level => levels.push(level) })
    let notify: (error: NativeError) => void = () => undefined
    log.watch({
      on: (event: string, listener: (error: NativeError) => void) => {
        if (event === 'event.error') notify = listener
      },
    })
    for (const afterMs of [1, 1_000, 2_000]) {
      notify(Object.assign(new Error(`connection refused after ${afterMs} ms`), { code: -1 }))
    }
    expect(levels).toEqual(['warn', 'debug', 'debug'])
    expect(log.last).toBe('connection refused after 2000 ms')
  })
})
