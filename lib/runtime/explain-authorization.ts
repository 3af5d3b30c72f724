import { BrokerError } from '../broker/broker-error.ts'

/** Rights by the code of their refusal, as `kafka-acls --operation` takes them; for topics it depends on what was tried. */
const RIGHTS: ReadonlyMap<string, string> = new Map([
  ['GROUP_AUTHORIZATION_FAILED', 'Read on the group'],
  ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'Write on the transactional id'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'IdempotentWrite or Create on the cluster'],
])

/** Says who lacks which right, and how it is given; other errors stay what they are. */
export function explainAuthorization(error: Error, principal: string | undefined): Error {
  if (!(error instanceof BrokerError && error.class === 'authorization')) return error
  const { code, message, partitions } = error
  const who = principal ?? 'the principal of this client'
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const right = RIGHTS.get(code) ?? `${topicRight(message)} on topic ${topics.join(', ') || 'named above'}`
  const more = `${who} lacks the right ${right}: grant it (kafka-acls --add --allow-principal ${who} …) and start again`
  return new BrokerError(code, 'authorization', `${message}; ${more}`, { cause: error, partitions })
}

function topicRight(message: string): string {
  if (/while (sending|adding)/.test(message)) return 'Write'
  if (/while creating/.test(message)) return 'Create'
  return /while (reading|looking for the leader)/.test(message) ? 'Read' : 'Describe'
}
