import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Operation } from '../../lib/broker/embedded/state/interceptions.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { commitSubject, prepareSubject } from '../support/commit-subject.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Whoever waits for a timer instead of an event waits for a minute. */
const slowTimers: Clock = {
  ...systemClock,
  schedule: (delayMs, callback, options) => systemClock.schedule(delayMs + 60_000, callback, options),
}

async function started(operations: (operation: Operation) => void, clock: Clock = systemClock) {
  let isPrepared = false
  const broker = await openEmbeddedBroker({
    clock,
    interceptor: ({ operation, clientId }) => {
      if (isPrepared && clientId !== 'test') operations(operation)
    },
  })
  onTestFinished(() => broker.close())
  await prepareSubject(broker, 10)
  isPrepared = true
  const config = { applicationId: 'subject', stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(commitSubject(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  return streams
}

it('a restored task is started by its restore, not by a timer', async () => {
  const streams = await started(() => undefined, slowTimers)
  await streams.start()
  expect(streams.state).toBe('running')
})

it('the group is joined after the transaction of an earlier run is ended and the members are checked', async () => {
  const seen: Operation[] = []
  const streams = await started(operation => void seen.push(operation))
  await streams.start()
  const join = seen.indexOf('join')
  expect(seen.indexOf('init-producer')).toBeGreaterThan(-1)
  expect(seen.indexOf('init-producer')).toBeLessThan(join)
  expect(seen.indexOf('describe-group')).toBeGreaterThan(-1)
  expect(seen.indexOf('describe-group')).toBeLessThan(join)
})

it.each(['init-producer', 'describe-group'] as const)('a start that fails at %s joins no group', async at => {
  const seen: Operation[] = []
  const streams = await started(operation => {
    seen.push(operation)
    if (operation === at) throw new BrokerError('SABOTAGE', 'fatal', 'sabotage')
  })
  await expect(streams.start()).rejects.toMatchObject({ code: 'SABOTAGE' })
  expect(seen).toContain('init-producer')
  expect(seen).not.toContain('join')
})
