import { expect, it } from 'vitest'
import { needs } from '../support/needs.ts'
import { runAbortFuzz } from './abort-fuzz/abort-fuzz.ts'

const { brokers, suite } = await needs('native client', 'broker', 'JVM', 'JDK')

await suite('random histories of transactions', () => {
  it('are read alike by the direct path, the native one and the JVM', async () => {
    const { differences, records } = await runAbortFuzz({ brokers, seed: 1, count: 4, say: () => undefined })
    expect(differences).toEqual([])
    expect(records).toBeGreaterThan(500)
  })
})
