import { utf8, utf8Text } from '../common/bytes.ts'
import type { Engine } from '../store/engine/engine.ts'
import type { EngineWrite } from '../store/engine/write-batch.ts'
import type { StateEngine } from './state-engine.ts'

/**
 * The engines of one task: one on disk for its persistent stores, where it has any, and one in memory for the others. They outlive
 * the stores: an abort builds the stores anew over them.
 */
export interface TaskEngines {
  readonly persistent: Engine | undefined
  readonly memory: Engine
  /** The persistent one, where it is that of a task on disk: it knows how its files are doing. */
  readonly state?: StateEngine
}

export async function closeEngines(engines: TaskEngines): Promise<void> {
  try {
    await engines.persistent?.close()
  } finally {
    await engines.memory.close()
  }
}

/** The runtime's own keys begin with a zero byte, which no store prefix does. */
const POSITION_PREFIX = '\0position\0'
const OPEN_MARK = utf8('\0open')
const USED_AT = utf8('\0used-at')

export function positionKey(changelogTopic: string): Uint8Array {
  return utf8(POSITION_PREFIX + changelogTopic)
}

/** The changelog offset up to which an engine certainly holds everything; undefined for an unknown changelog. */
export function readPosition(engine: Engine, changelogTopic: string): number | undefined {
  const bytes = engine.get(positionKey(changelogTopic))
  return bytes === undefined ? undefined : Number(utf8Text(bytes))
}

export function positionWrite(changelogTopic: string, offset: number): EngineWrite {
  return { key: positionKey(changelogTopic), value: utf8(String(offset)) }
}

/** Whether the engine was left without a clean close: then stores without a changelog may be ahead of what was committed. */
export function wasLeftOpen(engine: Engine): boolean {
  return engine.get(OPEN_MARK) !== undefined
}

export function openMarkWrite(open: boolean): EngineWrite {
  return { key: OPEN_MARK, value: open ? utf8('1') : null }
}

/** When a commit last reached this engine, wall-clock milliseconds. */
export function readUsedAt(engine: Engine): number | undefined {
  const bytes = engine.get(USED_AT)
  return bytes === undefined ? undefined : Number(utf8Text(bytes))
}

export function usedAtWrite(nowMs: number): EngineWrite {
  return { key: USED_AT, value: utf8(String(nowMs)) }
}
