import { ConfigError } from '../../common/errors/errors.ts'

export function neverFires(definition: unknown, why: string): ConfigError {
  return new ConfigError(
    'SCHEDULE_NEVER_FIRES',
    `the schedule ${JSON.stringify(definition)} never fires: ${why}`,
  )
}
