import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { exitNow } from '../../lib/common/exit-now.ts'
import { openKeyValueStore } from '../../lib/index.ts'
import { silentLogger } from '../../lib/common/logger.ts'

/**
 * Increments a counter through a single writer in this process, `count` times, each acknowledged increment a
 * line; kills itself at the `killAt`th operation of the broker.
 */
const [directory = '', count = '0', killAt = '0'] = process.argv.slice(2)
let operations = 0
const broker = await openEmbeddedBroker({
  directory: join(directory, 'broker'),
  interceptor: ({ operation }) => {
    if (operation === 'fetch') return
    operations += 1
    if (operations === Number(killAt)) process.kill(process.pid, 'SIGKILL')
  },
})
const store = await openKeyValueStore<string, { readonly ids: readonly string[] }>('counters', {
  broker,
  writes: 'single-writer',
  stateDir: join(directory, 'state'),
  logger: silentLogger,
})
for (let n = 0; n < Number(count); n += 1) {
  const id = `${killAt}-${n}`
  await store.update('hits', (value = { ids: [] }) => ({ ids: [...value.ids, id] }))
  process.stdout.write(`${id}\n`)
}
process.stdout.write(JSON.stringify(store.get('hits') ?? { ids: [] }))
await store.close()
await broker.close()
exitNow(0)
