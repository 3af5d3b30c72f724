import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRealBroker } from '../../kafka/real-broker.ts'
import {
  gatherOnEmbedded,
  gatherOnKafka,
  type GatherChaosOptions,
  type GatherChaosOutcome,
} from '../gather-chaos.ts'
import type { ChaosMode, ChaosOptions } from '../mode.ts'

const IMPORTS = 1_000
const JOBS_MAX = 10_000
const KILLS = 60

interface Part {
  readonly name: string
  readonly about: string
  run(options: GatherChaosOptions): Promise<GatherChaosOutcome>
}

const PARTS: readonly Part[] = [
  {
    name: 'embedded',
    about: 'one process over the durable embedded broker',
    run: gatherOnEmbedded,
  },
  {
    name: 'kafka',
    about: 'three processes over one Kafka node, which four importers write to',
    run: async options => {
      const { brokers, stop } = await startRealBroker()
      return gatherOnKafka(brokers, options).finally(stop)
    },
  },
]

/** Imports whose results come one to three times in no order: each must end once, and right. */
export const mode: ChaosMode = {
  list: () => PARTS.map(({ name, about }) => ({ name, about })),
  async run({ only, say, seed, count }: ChaosOptions) {
    let isRight = true
    for (const { name, run } of PARTS) {
      if (only.length > 0 && !only.includes(name)) continue
      const directory = await mkdtemp(join(tmpdir(), 'millrace-gather-'))
      const startMs = performance.now()
      const options = { directory, imports: IMPORTS, jobsMax: JOBS_MAX, kills: count ?? KILLS, seed, say }
      const { results, kills, wrong } = await run(options)
      const seconds = Math.round((performance.now() - startMs) / 1_000)
      say(
        `${name}, seed ${seed}: ${IMPORTS} imports, ${results} records, ${kills} kills, ${seconds} s: ${wrong.length} wrong`,
      )
      for (const line of wrong.slice(0, 20)) say(line)
      isRight &&= wrong.length === 0
      await rm(directory, { recursive: true, force: true })
    }
    return isRight
  },
}
