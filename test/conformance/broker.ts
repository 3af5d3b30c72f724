import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { adminCases } from './broker/admin.ts'
import { committedOffsetCases } from './broker/committed-offsets.ts'
import { fencingCases } from './broker/fencing.ts'
import { groupCases } from './broker/groups.ts'
import { lifecycleCases } from './broker/lifecycle.ts'
import { positionCases } from './broker/positions.ts'
import { producerCases } from './broker/producers.ts'
import { recordCases } from './broker/records.ts'
import { Stage } from './broker/stage.ts'
import { staleMemberCases } from './broker/stale-members.ts'
import { transactionalOffsetCases } from './broker/transactional-offsets.ts'
import { transactionCases } from './broker/transactions.ts'

/** What differs between brokers without being wrong. */
export interface BrokerCapabilities {
  /** The shortest session timeout that the broker accepts; members that fall silent are evicted after it. */
  readonly sessionTimeoutMsMin: number
  /**
   * Kafka's `auto.create.topics.enable`: a topic that is sent to comes into being, so it cannot be unknown.
   */
  readonly createsTopicsOnSend: boolean
  /** A record with a value of this size is refused as too large. */
  readonly refusedValueBytes: number
  /** Header values of null come back empty: the client in between cannot tell them apart. Default false. */
  readonly nullHeaderValuesBecomeEmpty?: boolean
}

export interface BrokerUnderTest {
  readonly broker: Broker
  readonly capabilities: BrokerCapabilities
  dispose(): Promise<void>
}

/**
 * Registers one case; each gets a stage of its own, with names nobody else uses, and its clients are closed
 * afterwards.
 */
export type Scenario = (title: string, play: (stage: Stage) => Promise<void>) => void

/**
 * The contract of the port `lib/broker/broker.ts`, as a suite. It uses the port only. One broker serves all
 * cases, which may be shared with others: every topic, group and transactional id is new.
 */
export function brokerContract(title: string, setup: () => Promise<BrokerUnderTest>): void {
  describe(`broker contract: ${title}`, () => {
    let subject: BrokerUnderTest | undefined
    beforeAll(async () => {
      subject = await setup()
    })
    afterAll(async () => {
      await subject?.dispose()
    })

    const scenario: Scenario = (caseTitle, play) => {
      test(caseTitle, async () => {
        if (!subject) throw new Error('the broker was not set up')
        const stage = new Stage(subject.broker, subject.capabilities)
        try {
          await play(stage)
        } finally {
          await stage.dispose()
        }
      })
    }

    describe('records', () => recordCases(scenario))
    describe('positions', () => positionCases(scenario))
    describe('producers', () => producerCases(scenario))
    describe('transactions', () => transactionCases(scenario))
    describe('fencing', () => fencingCases(scenario))
    describe('committed offsets', () => committedOffsetCases(scenario))
    describe('transactional offsets', () => transactionalOffsetCases(scenario))
    describe('groups', () => groupCases(scenario))
    describe('stale members', () => staleMemberCases(scenario))
    describe('admin', () => adminCases(scenario))
    describe('lifecycle', () => lifecycleCases(scenario))
  })
}
