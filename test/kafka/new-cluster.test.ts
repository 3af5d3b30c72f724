import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kafkaForTests } from '../support/kafka.ts'
import { startRealBroker } from './real-broker.ts'

const CHILD = fileURLToPath(new URL('support/describe-group.ts', import.meta.url))
// Where the shared broker cannot be had, neither can this one.
const kafka = await kafkaForTests()

describe.skipIf('skipped' in kafka)('a new cluster, which has no group coordinator yet', () => {
  it('does not end the process that describes a group', { timeout: 120_000 }, async () => {
    const broker = await startRealBroker({ quiet: true })
    onTestFinished(() => broker.stop())
    // In a process of its own: the native client's way of failing here was SIGSEGV.
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, broker.brokers])
    expect(stdout).toMatch(/^(dead|empty) 0$/)
  })
})
