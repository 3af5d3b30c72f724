import { describe, expect, it } from 'vitest'
import { BrokerError, type BrokerErrorClass } from '../../lib/broker/broker-error.ts'
import { TaskCorruptedError, TopologyError } from '../../lib/common/errors/errors.ts'
import { silentLogger, type Logger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import { Patience } from '../../lib/runtime/thread/patience.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

function subject({ hasRun = true, logger = silentLogger }: { hasRun?: boolean; logger?: Logger } = {}) {
  const clock = new ManualClock()
  const metrics = new Metrics()
  const renewed: number[] = []
  const patience = new Patience({
    clock,
    logger,
    metrics,
    taskTimeoutMs: 300_000,
    renewProcessId: async () => void renewed.push(clock.monotonicMs()),
  })
  if (hasRun) patience.running()
  return { patience, clock, metrics, renewed }
}

const error = (kind: BrokerErrorClass, code = 'CODE') => new BrokerError(code, kind, 'sabotage')

/** Seconds for which it is tried again, asked every second. */
async function secondsOf(what: Error, { hasRun }: { hasRun: boolean }): Promise<number> {
  const { patience, clock } = subject({ hasRun })
  for (let seconds = 0; seconds < 1_000; seconds += 1) {
    if (!(await patience.mayBeginAnew(what))) return seconds
    clock.advance(1_000)
  }
  return Infinity
}

describe('patience', () => {
  it.each([
    ['retriable', 'NOT_COORDINATOR', Infinity, 300],
    ['retriable', 'BROKER_UNREACHABLE', Infinity, 0],
    ['abortable', 'CONCURRENT_TRANSACTIONS', Infinity, 300],
    ['task-migrated', 'ILLEGAL_GENERATION', Infinity, 300],
    ['topic-missing', 'UNKNOWN_TOPIC_OR_PARTITION', 30, 30],
    ['authentication', 'SASL_AUTHENTICATION_FAILED', 60, 0],
    ['authorization', 'TOPIC_AUTHORIZATION_FAILED', 0, 0],
    ['record-refused', 'MESSAGE_TOO_LARGE', 0, 0],
    ['fatal', 'CLIENT_CLOSED', 0, 0],
    ['fatal', 'UNSUPPORTED_VERSION', 3, 0],
    ['fatal', 'INCONSISTENT_GROUP_PROTOCOL', 60, 60],
    ['fatal', 'CHANGELOG_LOST', 60, 0],
  ] as const)(
    'with %s (%s): %d s while it has run, %d s at a first start',
    async (kind, code, run, first) => {
      expect(await secondsOf(error(kind, code), { hasRun: true })).toBe(run)
      expect(await secondsOf(error(kind, code), { hasRun: false })).toBe(first)
    },
  )

  it('has none with what user code throws, and waits half a minute for a topic that was there', async () => {
    expect(await secondsOf(new Error('bug'), { hasRun: true })).toBe(0)
    const missing = new TopologyError('TOPIC_MISSING', 'no topic "in"')
    expect(await secondsOf(missing, { hasRun: true })).toBe(30)
    expect(await secondsOf(missing, { hasRun: false })).toBe(0)
    expect(await secondsOf(new TaskCorruptedError('damaged'), { hasRun: true })).toBe(Infinity)
  })

  it('counts from the last commit', async () => {
    const { patience, clock } = subject()
    for (let round = 0; round < 10; round += 1) {
      expect(await patience.mayBeginAnew(error('topic-missing'))).toBe(true)
      clock.advance(29_000)
      patience.progressed()
    }
  })

  it.each([false, true])(
    'takes another process id after three fencings in a row (commits between: %s)',
    async commits => {
      const { patience, clock, renewed } = subject()
      for (let times = 1; times <= 6; times += 1) {
        expect(await patience.mayBeginAnew(error('fenced'))).toBe(true)
        expect(renewed).toHaveLength(times > 3 ? 1 : 0)
        clock.advance(5_000)
        if (commits) patience.progressed()
      }
      // Then it is no accident, nor a copy.
      expect(await patience.mayBeginAnew(error('fenced'))).toBe(commits)
    },
  )

  it('takes fencings that are far apart for accidents', async () => {
    const { patience, clock, renewed } = subject()
    for (let times = 1; times <= 20; times += 1) {
      expect(await patience.mayBeginAnew(error('fenced'))).toBe(true)
      clock.advance(61_000)
      patience.progressed()
    }
    expect(renewed).toEqual([])
  })

  it('says once a minute what it waits for, and counts each time', async () => {
    const lines: string[] = []
    const { patience, clock, metrics } = subject({ logger: { log: (_level, line) => void lines.push(line) } })
    for (let seconds = 0; seconds < 180; seconds += 1) {
      await patience.mayBeginAnew(error('retriable', 'NOT_COORDINATOR'))
      clock.advance(1_000)
    }
    expect(lines).toHaveLength(3)
    expect(lines[1]).toContain('since 60 s')
    expect(lines[1]).toContain('sabotage')
    expect(metrics.samples()).toContainEqual({
      group: 'millrace-metrics',
      name: 'rejoin-total',
      tags: { cause: 'NOT_COORDINATOR' },
      value: 180,
    })
  })
})
