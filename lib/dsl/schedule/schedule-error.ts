import { ConfigError } from '../../common/errors/errors.ts'

/** 9999-12-31T23:59:59.999Z, the last time that dates of four digits can tell. */
export const LATEST_MS = 253_402_300_799_999

export function neverFires(definition: unknown, why: string): ConfigError {
  return new ConfigError(
    'SCHEDULE_NEVER_FIRES',
    `the schedule ${JSON.stringify(definition)} never fires: ${why}`,
  )
}
