import type { ScheduleDefinition } from '../../dsl/schedule/next-fire.ts'
import type { ScheduleClient } from '../../patterns/schedules/schedule-client.ts'
import type { ScheduleRequest } from '../../patterns/schedules/schedule-requests.ts'
import type { Serde } from '../../serde/serde.ts'
import { UsageError } from '../output/exit-code.ts'

/** A schedule as the command line gives it. */
export interface DefinitionOptions {
  readonly cron?: string
  readonly timeZone?: string
  readonly every?: number
  readonly at?: string
  readonly onMissed?: 'once' | 'skip' | 'all'
  readonly grace?: number
  readonly jitter?: number
  readonly to?: string
  readonly key?: string
  readonly value?: string
}

/** Throws a `UsageError`, `PUT_INCOMPLETE`, and `UNKNOWN_SINK`. */
export function requestOf(client: ScheduleClient, options: DefinitionOptions): ScheduleRequest {
  const { cron, timeZone, every, at, to, onMissed, grace, jitter } = options
  const kinds = [cron, every, at].filter(each => each !== undefined).length
  if (kinds !== 1 || to === undefined || (cron !== undefined) !== (timeZone !== undefined)) {
    throw new UsageError(
      'PUT_INCOMPLETE',
      'put needs when (--cron with --time-zone, or --every, or --at) and where to (--to SINK, with --key and --value)',
    )
  }
  const { keySerde, valueSerde, topic } = client.sink(to)
  const definition = { cron, timeZone, everyMs: every, at } as unknown as ScheduleDefinition
  return {
    ...definition,
    ...{ onMissed, graceMs: grace, jitterMs: jitter },
    to: {
      sink: to,
      key: ofText(options.key, keySerde, topic),
      value: ofText(options.value, valueSerde, topic),
    },
  }
}

/** JSON, where the serde takes what it stands for and no text; else the text itself. */
function ofText(text: string | undefined, serde: Serde<unknown>, topic: string): unknown {
  if (text === undefined) return null
  try {
    const read: unknown = JSON.parse(text)
    if (isTaken(read, serde, topic)) return read
  } catch {
    // No JSON: a text.
  }
  return text
}

function isTaken(value: unknown, serde: Serde<unknown>, topic: string): boolean {
  try {
    serde.serialize(value, { topic })
    return true
  } catch {
    return false
  }
}
