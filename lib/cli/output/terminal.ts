import { systemClock } from '../../common/clock.ts'
import { consoleLogger, type Logger, type LogLevel } from '../../common/logger.ts'
import { painted, type Style } from './colours.ts'
import { Progress } from './progress.ts'

/**
 * The line of the terminal that shows how far things are: a process has one standard error, and so one such
 * line.
 */
export const terminalProgress = new Progress(process.stderr, systemClock)

const STYLES: { readonly [level in LogLevel]: Style } = {
  debug: 'dim',
  info: 'cyan',
  warn: 'yellow',
  error: 'red',
}

/** Lines of the log, in colours where standard error has some, above the line of progress. */
export function terminalLogger(least: LogLevel): Logger {
  const plain = consoleLogger(least, (level, padded) => painted(STYLES[level], padded, process.stderr))
  return {
    log(level, message, fields) {
      terminalProgress.clear()
      plain.log(level, message, fields)
    },
  }
}
