import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const clusterIsWanted = process.env['MILLRACE_CLUSTER'] === '1'

const brokersRun = process.env['MILLRACE_REQUIRE_KAFKA'] === '1'

export default defineConfig({
  resolve: {
    alias: [
      { find: /^millrace\/testing$/, replacement: source('lib/testing.ts') },
      { find: /^millrace\/http$/, replacement: source('lib/http.ts') },
      { find: /^millrace\/push\/client$/, replacement: source('lib/push-client.ts') },
      { find: /^millrace\/push$/, replacement: source('lib/push.ts') },
      { find: /^millrace$/, replacement: source('lib/index.ts') },
    ],
  },
  test: {
    // Processes, not threads: the native Kafka client cannot be loaded in a worker thread.
    pool: 'forks',
    // Tests wait for disks, processes and clocks a good part of their time; where brokers run beside them, these take it.
    maxWorkers: brokersRun ? 2 : 3,
    // Files of one process share the modules of lib, which are loaded once: a fifth of the whole time. CI runs both ways.
    isolate: brokersRun,
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // The only limits of tests and hooks; `eventually` has a shorter one. Each is at least five times what the
    // slowest takes alone (`npm run test:limits`): a limit ends what hangs, it measures nothing. Faults of a
    // cluster take a minute or two.
    testTimeout: clusterIsWanted ? 900_000 : 180_000,
    hookTimeout: 180_000,
    // On a shared machine a real broker or browser may once be slower than a test allows; vitest shows what was tried again.
    retry: process.env['CI'] ? 1 : 0,
    globalSetup: ['test/support/global-setup.ts'],
  },
})
