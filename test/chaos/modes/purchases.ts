import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalCluster } from '../../kafka/cluster/local-cluster.ts'
import type { ChaosMode, ChaosOptions } from '../mode.ts'
import type { PurchasesComparison } from '../purchases/compare-purchases.ts'
import { runEmbeddedPurchases } from '../purchases/embedded-run.ts'
import { runKafkaPurchases } from '../purchases/kafka-run.ts'

const PURCHASES = 100_000
const EMBEDDED_FAULTS = 1_000
const KAFKA_FAULTS = 100

type Outcome = PurchasesComparison & { readonly faults: { readonly [fault: string]: number } }

interface Part {
  readonly about: string
  run(options: ChaosOptions, directory: string): Promise<Outcome>
}

const PARTS: { readonly [name: string]: Part } = {
  embedded: {
    about: `${PURCHASES} purchases, ${EMBEDDED_FAULTS} faults, two members on an embedded broker`,
    run: ({ seed, count, say }, directory) =>
      runEmbeddedPurchases({ purchases: PURCHASES, faults: count ?? EMBEDDED_FAULTS, seed, directory, say }),
  },
  kafka: {
    about: `${PURCHASES} purchases, ${KAFKA_FAULTS} faults (six kills, three rebalances and one restart of a broker in ten), two processes on a cluster of three`,
    run: async ({ seed, count, say }, directory) => {
      const cluster = await LocalCluster.start(say)
      const interrupted = () => void cluster.stop().finally(() => process.exit(130))
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupted)
      const run = { cluster, purchases: PURCHASES, faults: count ?? KAFKA_FAULTS, seed, directory, say }
      try {
        return await runKafkaPurchases(run)
      } finally {
        await cluster.stop()
      }
    },
  },
}

/** Each purchase is checked out, delivered, invoiced and taken from the stock once, through all faults. */
export const mode: ChaosMode = {
  list: () => Object.entries(PARTS).map(([name, { about }]) => ({ name, about })),
  run,
}

async function run(options: ChaosOptions): Promise<boolean> {
  const { only, seed, say } = options
  const chosen = Object.entries(PARTS).filter(([name]) => only.length === 0 || only.includes(name))
  const lines: string[] = []
  let isRight = true
  for (const [name, part] of chosen) {
    say(`${name}: ${part.about}, --seed ${seed}`)
    const directory = await mkdtemp(join(tmpdir(), 'millrace-purchases-'))
    const startMs = performance.now()
    try {
      const { wrong, aborted, faults } = await part.run(options, directory)
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(0)
      const struck = Object.entries(faults).map(([fault, count]) => `${count} ${fault}`)
      const verdict = wrong.length === 0 ? 'exact' : `WRONG: ${wrong.slice(0, 10).join('; ')}`
      lines.push(
        `${name}: ${verdict}; ${aborted} checkouts were aborted, which only a reader of uncommitted records sees; ` +
          `${struck.join(', ')}; ${seconds} s`,
      )
      // Without aborted ones the run has shown nothing.
      isRight &&= wrong.length === 0 && aborted > 0
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  say(`\n${lines.join('\n')}`)
  return isRight
}
