import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { exitNow } from '../../lib/common/exit-now.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { openOutbox } from '../../lib/index.ts'

/** Drains until told that all is there, and kills itself at the `killAt`th operation of the broker. */
const [directory = '', connectionString = '', killAt = '0'] = process.argv.slice(2)
let operations = 0
const broker = await openEmbeddedBroker({
  directory,
  interceptor: ({ operation }) => {
    if (operation === 'fetch' || operation === 'describe-topics') return
    operations += 1
    if (operations === Number(killAt)) process.kill(process.pid, 'SIGKILL')
  },
})
const outbox = openOutbox({
  ...{ connectionString, table: 'kills', topic: 'orders', broker, batchRowsMax: 3, pollMs: 5 },
  logger: silentLogger,
})
process.stdin.once(
  'end',
  () =>
    void outbox
      .close()
      .then(() => broker.close())
      .then(() => exitNow(0)),
)
process.stdin.resume()
