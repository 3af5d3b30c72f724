import { utf8, utf8Text } from '../../common/bytes.ts'
import type { Engine } from '../../store/engine/engine.ts'
import { WriteBatch, type EngineWrite } from '../../store/engine/write-batch.ts'
import { storeRange } from '../../store/contract/store-name.ts'
import type { StorePlan } from '../../topology/plan.ts'
import type { StateEngine } from './state-engine.ts'

/**
 * The engines of one task: one on disk for its persistent stores, where it has any, and one in memory for the
 * others. They outlive the stores: an abort builds the stores anew over them.
 */
export interface TaskEngines {
  readonly persistent: Engine | undefined
  readonly memory: Engine
  /** The persistent engine of a task on disk, which knows the health of its files. */
  readonly state?: StateEngine
}

export async function closeEngines(engines: TaskEngines): Promise<void> {
  try {
    await engines.persistent?.close()
  } finally {
    await engines.memory.close()
  }
}

/** Prefix of positions. The runtime's own keys begin with a zero byte, which no store prefix does. */
const POSITION_PREFIX = '\0position\0'
const OFFSET_PREFIX = '\0offset\0'
const REFILL_PREFIX = '\0refill\0'
const OPEN_MARK = utf8('\0open')
const USED_AT = utf8('\0used-at')

export function positionKey(changelogTopic: string): Uint8Array {
  return utf8(POSITION_PREFIX + changelogTopic)
}

export interface StoredPosition {
  readonly offset: number
  /** Id of the offset's topic; undefined where the broker gives none. */
  readonly topicId: string | undefined
}

/**
 * The changelog offset up to which an engine certainly has all records; undefined for an unknown changelog.
 */
export function readPosition(engine: Engine, changelogTopic: string): number | undefined {
  return readStoredPosition(engine, changelogTopic)?.offset
}

/** The stored position, with its topic's id. */
export function readStoredPosition(engine: Engine, changelogTopic: string): StoredPosition | undefined {
  const bytes = engine.get(positionKey(changelogTopic))
  return bytes === undefined ? undefined : parsePosition(bytes)
}

function parsePosition(bytes: Uint8Array): StoredPosition {
  const [offset, topicId] = utf8Text(bytes).split(' ')
  return { offset: Number(offset), topicId }
}

export function positionWrite(changelogTopic: string, offset: number, topicId?: string): EngineWrite {
  const text = topicId === undefined ? String(offset) : `${offset} ${topicId}`
  return { key: positionKey(changelogTopic), value: utf8(text) }
}

/**
 * The offset of an input partition that was committed with the engine's content, by `partitionKey`; undefined
 * where none ever was.
 */
export function readOffset(engine: Engine, partition: string): number | undefined {
  const bytes = engine.get(utf8(OFFSET_PREFIX + partition))
  return bytes === undefined ? undefined : Number(utf8Text(bytes))
}

export function offsetWrite(partition: string, offset: number): EngineWrite {
  return { key: utf8(OFFSET_PREFIX + partition), value: utf8(String(offset)) }
}

/** Id of the topic that is being filled anew from the engine; undefined where none is. */
export function readRefill(engine: Engine, changelogTopic: string): string | undefined {
  const bytes = engine.get(utf8(REFILL_PREFIX + changelogTopic))
  return bytes === undefined ? undefined : utf8Text(bytes)
}

/** Notes a refill, or with null its end. */
export function refillWrite(changelogTopic: string, topicId: string | null): EngineWrite {
  return { key: utf8(REFILL_PREFIX + changelogTopic), value: topicId === null ? null : utf8(topicId) }
}

/**
 * Whether the engine was left without a clean close: then stores without a changelog may be ahead of what was
 * committed.
 */
export function wasLeftOpen(engine: Engine): boolean {
  return engine.get(OPEN_MARK) !== undefined
}

export function openMarkWrite(open: boolean): EngineWrite {
  return { key: OPEN_MARK, value: open ? utf8('1') : null }
}

/** Positions of all changelogs that an engine has records of. */
export async function readPositions(engine: Engine): Promise<Map<string, StoredPosition>> {
  const positions = new Map<string, StoredPosition>()
  const range = { gte: utf8(POSITION_PREFIX), lt: utf8(POSITION_PREFIX + '\x7f') }
  for await (const [key, value] of engine.entries(range)) {
    positions.set(utf8Text(key).slice(POSITION_PREFIX.length), parsePosition(value))
  }
  return positions
}

/** Time at which a commit last reached this engine, wall-clock milliseconds. */
export function readUsedAt(engine: Engine): number | undefined {
  const bytes = engine.get(USED_AT)
  return bytes === undefined ? undefined : Number(utf8Text(bytes))
}

export function usedAtWrite(nowMs: number): EngineWrite {
  return { key: USED_AT, value: utf8(String(nowMs)) }
}

/** Removes a store's rows from an engine. Its position goes first: rows without one are not trusted. */
export async function clearStore(engine: Engine, { builder, changelogTopic }: StorePlan): Promise<void> {
  if (changelogTopic !== undefined) {
    const writes = [{ key: positionKey(changelogTopic), value: null }, refillWrite(changelogTopic, null)]
    await engine.write(WriteBatch.of(writes))
  }
  await engine.clear(storeRange(builder.name))
}
