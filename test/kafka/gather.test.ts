import { expect, it } from 'vitest'
import { gatherOnKafka } from '../chaos/gather-chaos.ts'
import { needs } from '../support/needs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const { brokers, suite } = await needs('native client', 'broker')

await suite('gather on a real broker', () => {
  it('four importers, three aggregators, kills: each import ends once and right, then all is forgotten', async () => {
    const said: string[] = []
    const outcome = await gatherOnKafka(brokers, {
      ...{ directory: await temporaryDirectory(), imports: 80, jobsMax: 200, kills: 4, seed: 7 },
      say: line => said.push(line),
    })
    expect(outcome.wrong, said.join('\n')).toEqual([])
    expect(outcome.kills).toBe(4)
    expect(outcome.results).toBeGreaterThan(5_000)
  })
})
