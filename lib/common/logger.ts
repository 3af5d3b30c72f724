export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The destination of log lines. `fields` are plain data that belongs to the line. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: { readonly [name: string]: unknown }): void
}

const RANK: { readonly [level in LogLevel]: number } = { debug: 0, info: 1, warn: 2, error: 3 }

/** Writes to standard error, one line each, so that standard output stays free for data. */
export function consoleLogger(
  least: LogLevel = 'info',
  /** Formats the level, with which the line begins. Default: as it is. */
  style: (level: LogLevel, padded: string) => string = (_, padded) => padded,
): Logger {
  return {
    log(level, message, fields) {
      if (RANK[level] < RANK[least]) return
      process.stderr.write(`${style(level, level.padEnd(5))} ${message}${printFields(fields, message)}\n`)
    },
  }
}

export const silentLogger: Logger = { log: () => undefined }

/**
 * Prints fields, but not an error that the message tells already: that one is for loggers that keep fields
 * apart.
 */
function printFields(fields: { readonly [name: string]: unknown } | undefined, message: string): string {
  return Object.entries(fields ?? {})
    .map(([name, value]) => {
      if (!(value instanceof Error)) return ` ${name}=${String(value)}`
      return message.includes(value.message) ? '' : ` ${name}=${value.message}`
    })
    .join('')
}
