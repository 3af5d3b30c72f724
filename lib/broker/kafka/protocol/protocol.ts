import { BrokerError } from '../../broker-error.ts'

/** A request type of Kafka's protocol, and the versions of it that are spoken here, best first. */
export interface Api {
  readonly key: number
  readonly name: string
  readonly versions: readonly number[]
  /** From this version on lengths are varints and structures have tags (KIP-482). */
  readonly flexibleFrom: number
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Up to 11: from 12 on a request adds its partitions to the transaction by itself (KIP-890), which the native
 * client knows nothing of.
 */
export const PRODUCE: Api = { key: 0, name: 'Produce', versions: [11, 9, 7], flexibleFrom: 9 }
/**
 * Two sets: by topic id (KIP-516, brokers from 3.1), so that a topic that was deleted and made again is
 * noticed, and by topic name, with leader epochs (KIP-320) and zstd (KIP-110), for brokers from 2.3. Tested
 * with 4.3.1, both sets.
 */
export const FETCH: Api = { key: 1, name: 'Fetch', versions: [13, 11], flexibleFrom: 12 }
export const METADATA: Api = { key: 3, name: 'Metadata', versions: [12, 8], flexibleFrom: 9 }
/** From 7 on offsets can be asked for that are decided (KIP-447, brokers from 2.5). */
export const OFFSET_FETCH: Api = { key: 9, name: 'OffsetFetch', versions: [7], flexibleFrom: 6 }
export const DESCRIBE_GROUPS: Api = { key: 15, name: 'DescribeGroups', versions: [5], flexibleFrom: 5 }
export const DELETE_GROUPS: Api = { key: 42, name: 'DeleteGroups', versions: [2], flexibleFrom: 2 }
/** Groups of KIP-848, of brokers from 3.7. */
export const CONSUMER_GROUP_DESCRIBE: Api = {
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0],
  flexibleFrom: 0,
}
export const FIND_COORDINATOR: Api = { key: 10, name: 'FindCoordinator', versions: [3, 2], flexibleFrom: 3 }
export const INIT_PRODUCER_ID: Api = { key: 22, name: 'InitProducerId', versions: [2, 1], flexibleFrom: 2 }
/** Up to 3: what comes then is for brokers among themselves. */
export const ADD_PARTITIONS_TO_TXN: Api = {
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [3, 1],
  flexibleFrom: 3,
}
/** Up to 4: from 5 on the producer's epoch rises with every transaction (KIP-890). */
export const END_TXN: Api = { key: 26, name: 'EndTxn', versions: [4, 3, 1], flexibleFrom: 3 }
export const SASL_HANDSHAKE: Api = {
  key: 17,
  name: 'SaslHandshake',
  versions: [1],
  flexibleFrom: NEVER,
}
/** The lowest version, which every broker answers: the versions are all that is wanted of it. */
export const API_VERSIONS: Api = { key: 18, name: 'ApiVersions', versions: [0], flexibleFrom: 3 }
/** 4 for its form; nothing that came after 1 is asked for. */
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

/** What a broker speaks, by the key of the request type. */
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
