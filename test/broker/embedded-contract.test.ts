import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { brokerContract, type BrokerCapabilities } from '../conformance/broker.ts'

const capabilities: BrokerCapabilities = {
  sessionTimeoutMsMin: 150,
  createsTopicsOnSend: false,
  refusedValueBytes: 1024 * 1024 + 1,
}

brokerContract('embedded, in memory', async () => {
  const broker = await openEmbeddedBroker()
  return { broker, capabilities, dispose: () => broker.close() }
})

brokerContract('embedded, in a directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'embedded-broker-'))
  const broker = await openEmbeddedBroker({ directory })
  const dispose = async () => {
    await broker.close()
    await rm(directory, { recursive: true })
  }
  return { broker, capabilities, dispose }
})
