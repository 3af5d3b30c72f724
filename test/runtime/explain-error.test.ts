import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { explainError } from '../../lib/runtime/thread/explain-error.ts'

const application = { applicationId: 'orders', principal: 'User:ann' }

describe('an error that an operator must mend', () => {
  it('says who lacks which right', () => {
    const partitions = [{ topic: 'out', partition: 0 }]
    const refused = new BrokerError('TOPIC_AUTHORIZATION_FAILED', 'authorization', 'refused while sending', {
      partitions,
    })
    const explained = explainError(refused, application)
    expect(explained.message).toContain('User:ann lacks the right Write on topic out: grant it (kafka-acls')
    expect(explained.cause).toBe(refused)
  })

  it('names the group in which members of another kind are, and what to do', () => {
    const refused = new BrokerError('INCONSISTENT_GROUP_PROTOCOL', 'fatal', 'Inconsistent group protocol')
    const { message } = explainError(refused, application)
    expect(message).toMatch(
      /group orders has members of another kind.*: stop them.*or take another applicationId/,
    )
  })

  it('is told as it is where nobody need do anything', () => {
    const passing = new BrokerError('NOT_COORDINATOR', 'retriable', 'moved')
    const bug = new Error('bug')
    expect(explainError(passing, application)).toBe(passing)
    expect(explainError(bug, application)).toBe(bug)
  })
})
