import { describe, expect, it } from 'vitest'
import { builtCli } from '../cli/built-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { runImportChaos } from './import-chaos.ts'

describe('contacts import under kill -9, on the durable embedded broker', () => {
  it('ends with the counts, contacts and results of an independent computation', async () => {
    await builtCli()
    const said: string[] = []
    const outcome = await runImportChaos({
      brokers: 'embedded',
      directory: await temporaryDirectory(),
      rows: 60_000,
      kills: 3,
      processes: 1,
      seed: 42,
      limitMs: 120_000,
      say: line => said.push(line),
    })
    expect(outcome, said.join('\n')).toMatchObject({ wrong: [], duplicates: 0 })
    expect(outcome.kills).toBeGreaterThan(0)
  })
})
