import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'
import type { BrokerAddress } from '../../protocol/metadata.ts'

const KINDS = { group: 0, transaction: 1 } as const

/** `key`: the id of a group, or a transactional id. */
export function writeFindCoordinator(writer: ByteWriter, key: string, kind: keyof typeof KINDS): void {
  writer.string(key).int8(KINDS[kind]).noTags()
}

export interface FoundCoordinator {
  readonly errorCode: number
  readonly message: string | null
  readonly address: BrokerAddress
}

export function readFindCoordinator(reader: ByteReader): FoundCoordinator {
  reader.int32() // throttled for so long
  const errorCode = reader.int16()
  const message = reader.nullableString()
  reader.int32() // node
  const address = { host: reader.string(), port: reader.int32() }
  reader.tags()
  return { errorCode, message, address }
}
