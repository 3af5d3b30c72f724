import { expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  commitSubject,
  expectedOutcome,
  expectSame,
  prepareSubject,
  seenOutcome,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const RECORDS = 60

it.each(['abortable', 'retriable'] as const)(
  'a task whose take-over meets an %s error is taken over again',
  async kind => {
    let refusals = 0
    const broker = await openEmbeddedBroker({
      // The first such question is the restore's, for the ends of the changelogs.
      interceptor: ({ operation }) => {
        if (operation !== 'list-offsets' || refusals > 0) return
        refusals += 1
        throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', kind, 'sabotage')
      },
    })
    onTestFinished(() => broker.close())
    await prepareSubject(broker, RECORDS)
    const streams = new KafkaStreams(
      commitSubject(),
      { applicationId: 'subject', stateDir: await temporaryDirectory(), commitIntervalMs: 0 },
      { broker, logger: silentLogger },
    )
    onTestFinished(() => streams.close())
    await streams.start()
    await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(RECORDS)), {})
    expect(refusals).toBe(1)
  },
)
