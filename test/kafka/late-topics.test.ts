import { expect, it, onTestFinished } from 'vitest'
import type { Admin } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { needs } from '../support/needs.ts'

const { brokers, suite } = await needs('native client', 'broker')

async function openAdmin(): Promise<Admin> {
  const broker = await openBroker(brokers, { logger: silentLogger })
  onTestFinished(() => broker.close())
  return broker.admin()
}

await suite('a topic that another process makes', () => {
  it('is found by a client that had found it missing', async () => {
    const [late, maker] = [await openAdmin(), await openAdmin()]
    const topic = `late-${process.pid}`
    const partition = { topic, partition: 0 }
    expect((await late.describeTopics([topic])).size).toBe(0)
    await expect(late.endOffsets([partition], 'read_committed')).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    await maker.createTopics([{ topic, partitionCount: 1 }])
    expect(await late.endOffsets([partition], 'read_committed')).toEqual(new Map([[`${topic}-0`, 0]]))
  })
})
