import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'
import type { Cluster } from './cluster.ts'
import { DESCRIBE_CONFIGS } from '../../protocol/protocol.ts'
import { protocolError } from '../../protocol/protocol-error.ts'

const TOPIC = 2
const UNKNOWN_TOPIC_OR_PARTITION = 3
const TOPIC_AUTHORIZATION_FAILED = 29
/** The first version of DescribeConfigs with the type and the documentation of a setting. */
const DOCUMENTED_FROM = 3

type Settings = ReadonlyMap<string, string>

/** Settings of topics (KIP-133). Topics that are unknown, or may not be described, are absent. */
export function topicSettings(
  cluster: Cluster,
  topics: readonly string[],
  names: readonly string[],
): Promise<ReadonlyMap<string, Settings>> {
  return cluster.ask(
    DESCRIBE_CONFIGS,
    (writer, version) => writeRequest(writer, version, topics, names),
    readAnswer,
  )
}

function writeRequest(
  writer: ByteWriter,
  version: number,
  topics: readonly string[],
  names: readonly string[],
): void {
  writer.array(topics.length)
  for (const topic of topics) {
    writer.int8(TOPIC).string(topic).array(names.length)
    for (const name of names) writer.string(name)
    writer.noTags()
  }
  writer.boolean(false) // synonyms
  if (version >= DOCUMENTED_FROM) writer.boolean(false)
  writer.noTags()
}

function readAnswer(reader: ByteReader, version: number): ReadonlyMap<string, Settings> {
  reader.int32() // throttled for so long
  const found = new Map<string, Settings>()
  for (let left = reader.array(); left > 0; left -= 1) {
    const errorCode = reader.int16()
    const message = reader.nullableString() ?? undefined
    reader.int8() // kind of resource
    const topic = reader.string()
    const settings = readSettings(reader, version)
    reader.tags()
    if (errorCode === 0) found.set(topic, settings)
    else if (errorCode !== UNKNOWN_TOPIC_OR_PARTITION && errorCode !== TOPIC_AUTHORIZATION_FAILED)
      throw protocolError(errorCode, `asking for the settings of topic ${topic}`, [], message)
  }
  reader.tags()
  return found
}

function readSettings(reader: ByteReader, version: number): Settings {
  const settings = new Map<string, string>()
  for (let left = reader.array(); left > 0; left -= 1) {
    const name = reader.string()
    const value = reader.nullableString()
    reader.boolean() // read only
    reader.int8() // where it comes from
    reader.boolean() // sensitive
    for (let synonyms = reader.array(); synonyms > 0; synonyms -= 1) {
      reader.string()
      reader.nullableString()
      reader.int8()
      reader.tags()
    }
    if (version >= DOCUMENTED_FROM) {
      reader.int8() // type
      reader.nullableString() // documentation
    }
    reader.tags()
    if (value !== null) settings.set(name, value)
  }
  return settings
}
