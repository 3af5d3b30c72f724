import { BrokerError } from '../../broker-error.ts'

/** A request type of Kafka's protocol, and the versions of it that are spoken here, best first. */
export interface Api {
  readonly key: number
  readonly name: string
  readonly versions: readonly number[]
  /** The first version whose lengths are varints and whose structures end with tags (KIP-482). */
  readonly flexibleFrom: number
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Produce up to version 11: from 12 on a request adds its partitions to the transaction (KIP-890), and the
 * native client, which ends the transaction, would not know of them.
 */
export const PRODUCE: Api = { key: 0, name: 'Produce', versions: [11, 9, 7], flexibleFrom: 9 }
/**
 * Fetch by topic id (13: KIP-516, brokers from 3.1), which notices that a topic was deleted and created
 * again; and by topic name (11: brokers from 2.3), with leader epochs (KIP-320) and zstd (KIP-110). Both are
 * tested with Kafka 4.3.1.
 */
export const FETCH: Api = { key: 1, name: 'Fetch', versions: [13, 11], flexibleFrom: 12 }
export const METADATA: Api = { key: 3, name: 'Metadata', versions: [12, 8], flexibleFrom: 9 }
/** OffsetFetch from version 7 on can ask for stable offsets (KIP-447, brokers from 2.5). */
export const OFFSET_FETCH: Api = { key: 9, name: 'OffsetFetch', versions: [7], flexibleFrom: 6 }
export const DESCRIBE_GROUPS: Api = { key: 15, name: 'DescribeGroups', versions: [5], flexibleFrom: 5 }
export const DELETE_GROUPS: Api = { key: 42, name: 'DeleteGroups', versions: [2], flexibleFrom: 2 }
/** Groups of the consumer protocol (KIP-848, brokers from 3.7). */
export const CONSUMER_GROUP_DESCRIBE: Api = {
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0],
  flexibleFrom: 0,
}
export const FIND_COORDINATOR: Api = { key: 10, name: 'FindCoordinator', versions: [3, 2], flexibleFrom: 3 }
export const INIT_PRODUCER_ID: Api = { key: 22, name: 'InitProducerId', versions: [2, 1], flexibleFrom: 2 }
/** AddPartitionsToTxn up to version 3: later ones are for requests among brokers. */
export const ADD_PARTITIONS_TO_TXN: Api = {
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [3, 1],
  flexibleFrom: 3,
}
/** EndTxn up to version 4: from 5 on the producer's epoch rises with every transaction (KIP-890). */
export const END_TXN: Api = { key: 26, name: 'EndTxn', versions: [4, 3, 1], flexibleFrom: 3 }
export const SASL_HANDSHAKE: Api = {
  key: 17,
  name: 'SaslHandshake',
  versions: [1],
  flexibleFrom: NEVER,
}
/** ApiVersions in version 0, which every broker answers and which has all that is needed. */
export const API_VERSIONS: Api = { key: 18, name: 'ApiVersions', versions: [0], flexibleFrom: 3 }
/** DescribeConfigs: 4 is the flexible form, and 1 has all that is needed. */
export const DESCRIBE_CONFIGS: Api = { key: 32, name: 'DescribeConfigs', versions: [4, 1], flexibleFrom: 4 }
export const SASL_AUTHENTICATE: Api = {
  key: 36,
  name: 'SaslAuthenticate',
  versions: [1],
  flexibleFrom: 2,
}

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** The versions that a broker speaks, by the key of the request type. */
export type BrokerVersions = ReadonlyMap<number, VersionRange>

/** The best version that both sides speak. Throws `UNSUPPORTED_VERSION` where there is none. */
export function commonVersion(api: Api, broker: BrokerVersions, address: string): number {
  const range = broker.get(api.key)
  const version = range && api.versions.find(each => each >= range.min && each <= range.max)
  if (version !== undefined) return version
  const theirs = range ? `versions ${range.min} to ${range.max}` : 'no version'
  throw new BrokerError(
    'UNSUPPORTED_VERSION',
    'fatal',
    `the broker at ${address} speaks ${theirs} of ${api.name}, this client ${api.versions.join(' and ')}`,
  )
}
