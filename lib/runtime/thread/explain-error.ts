import { BrokerError } from '../../broker/broker-error.ts'

/**
 * Rights by the code of their refusal, as `kafka-acls --operation` takes them. Those of topics depend on the
 * operation.
 */
const RIGHTS: ReadonlyMap<string, string> = new Map([
  ['GROUP_AUTHORIZATION_FAILED', 'Read on the group'],
  ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'Write on the transactional id'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'IdempotentWrite or Create on the cluster'],
])

export interface Application {
  readonly applicationId: string
  readonly principal: string | undefined
}

/** Adds advice to an error that only an operator can mend; other errors stay as they are. */
export function explainError(error: Error, { applicationId, principal }: Application): Error {
  if (!(error instanceof BrokerError)) return error
  if (error.class === 'authorization') return explainAuthorization(error, principal)
  return error.code === 'INCONSISTENT_GROUP_PROTOCOL' ? explainProtocol(error, applicationId) : error
}

/** Names the principal and the right that it lacks, and how to grant it. */
function explainAuthorization(error: BrokerError, principal: string | undefined): BrokerError {
  const { code, message, partitions } = error
  const who = principal ?? 'the principal of this client'
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const right = RIGHTS.get(code) ?? `${topicRight(message)} on topic ${topics.join(', ') || 'named above'}`
  const more = `${who} lacks the right ${right}: grant it (kafka-acls --add --allow-principal ${who} …) and start again`
  return new BrokerError(code, 'authorization', `${message}; ${more}`, { cause: error, partitions })
}

/** Advice about protocols: a group admits only members that share a protocol with all present ones. */
function explainProtocol(error: BrokerError, applicationId: string): BrokerError {
  const { code, message } = error
  const others = `group ${applicationId} has members of another kind, such as Kafka Streams on the JVM`
  const mend =
    'stop them (those that ended without leaving are forgotten when their session times out), or take another applicationId'
  return new BrokerError(code, error.class, `${message}; ${others}: ${mend}`, { cause: error })
}

function topicRight(message: string): string {
  if (/while (sending|adding)/.test(message)) return 'Write'
  if (/while creating/.test(message)) return 'Create'
  return /while (reading|looking for the leader)/.test(message) ? 'Read' : 'Describe'
}
