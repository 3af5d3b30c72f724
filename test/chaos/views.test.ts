import { describe, expect, it } from 'vitest'
import { builtCli } from '../cli/built-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { runViewsChaos } from './views-chaos.ts'

describe('site apps and countries under kill -9, on the durable embedded broker', () => {
  it('end with the views of an independent computation', async () => {
    await builtCli()
    const said: string[] = []
    const outcome = await runViewsChaos({
      brokers: 'embedded',
      directory: await temporaryDirectory(),
      updates: 2_000,
      kills: 2,
      seed: 7,
      limitMs: 120_000,
      say: line => said.push(line),
    })
    expect(outcome, said.join('\n')).toMatchObject({ wrong: [], kills: 2 })
    expect(outcome.readsOfOwnWrites).toBeGreaterThan(0)
    expect(outcome.entries.appSites).toBeGreaterThan(100)
  })
})
