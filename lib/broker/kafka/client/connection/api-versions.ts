import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { BrokerVersions, VersionRange } from '../../protocol/protocol.ts'
import { protocolError } from '../../protocol/protocol-error.ts'

/** Reads the answer to ApiVersions, whose request has no body. */
export function readApiVersions(reader: ByteReader): BrokerVersions {
  const errorCode = reader.int16()
  if (errorCode !== 0) throw protocolError(errorCode, 'asking for the versions that the broker speaks')
  const versions = new Map<number, VersionRange>()
  for (let left = reader.array(); left > 0; left -= 1) {
    versions.set(reader.int16(), { min: reader.int16(), max: reader.int16() })
  }
  return versions
}
