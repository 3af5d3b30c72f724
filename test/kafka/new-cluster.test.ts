import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { needs } from '../support/needs.ts'
import { startRealBroker } from './real-broker.ts'

const CHILD = fileURLToPath(new URL('support/describe-group.ts', import.meta.url))
const { suite } = await needs('native client', 'JVM')

await suite('a new cluster, which has no group coordinator yet', () => {
  it('does not end the process that describes a group', async () => {
    const broker = await startRealBroker({ quiet: true })
    onTestFinished(() => broker.stop())
    // In a process of its own: the native client's way of failing here was SIGSEGV.
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, broker.brokers])
    expect(stdout).toMatch(/^(dead|empty) 0$/)
  })
})
