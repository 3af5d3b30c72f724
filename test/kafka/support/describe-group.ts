import { openBroker } from '../../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../../lib/common/logger.ts'

/** Describes a group that nobody has ever joined, and prints its state: `tsx describe-group.ts BROKERS`. */
const broker = await openBroker(process.argv[2]!, { logger: silentLogger })
const admin = await broker.admin()
const { state, members } = await admin.describeGroup('nobody')
process.stdout.write(`${state} ${members.length}`)
await admin.close()
await broker.close()
