import { appPath, post } from '../core/api.ts'
import type { Control, ControlTarget } from '../core/api-types.ts'
import { oneLine } from '../core/format.ts'
import { useJson, type Loaded } from '../core/use-json.ts'

export const useControl = (applicationId: string): Loaded<Control> =>
  useJson<Control>(appPath(applicationId, ['control']), { everyMs: 3_000 })

export interface Command {
  readonly applicationId: string
  readonly action: 'pause' | 'ignore' | 'skip' | 'resume'
  readonly target: ControlTarget
  readonly note?: string
}

export async function sendCommand({ applicationId, action, target, note }: Command): Promise<void> {
  const { operator, partition, key, letter } = target
  await post(appPath(applicationId, ['control']), {
    action,
    target: {
      operator,
      ...(partition === undefined || partition === null ? {} : { partition }),
      ...(key === undefined || key === null ? {} : { key: oneLine(key) }),
      ...(letter === undefined || letter === null ? {} : { letter }),
    },
    ...(note ? { note } : {}),
  })
}

/** What a command is about, in words. */
export function targetText({ operator, partition, key, letter }: ControlTarget): string {
  if (letter !== undefined && letter !== null) return `${operator}, record ${letter}`
  if (key !== undefined && key !== null) return `${operator}, key ${oneLine(key)}`
  return partition === undefined || partition === null
    ? `all of ${operator}`
    : `${operator}, partition ${partition}`
}
