import { BUILDING_CODES } from './error-codes-building.ts'
import { RUNNING_CODES } from './error-codes-running.ts'
import { SERVING_CODES } from './error-codes-serving.ts'

/** The meaning of an error code, and what to do about it. */
export interface ErrorCode {
  readonly code: string
  /** Heading of the code in documents. */
  readonly area: string
  readonly cause: string
  readonly mend: string
}

/**
 * Every code that Millrace gives to an error of its own; a test compares them with the code in `lib`. Brokers
 * answer with further ones, which have the names of Kafka's protocol. In the texts three lines are a code,
 * its cause and its mend.
 */
export const ERROR_CODES: readonly ErrorCode[] = [BUILDING_CODES, RUNNING_CODES, SERVING_CODES].flatMap(parse)

function parse(text: string): ErrorCode[] {
  const areas = text.trim().split(/^# /m).slice(1)
  return areas.flatMap(each => {
    const [area = '', ...lines] = each.split('\n').filter(line => line.trim() !== '')
    return Array.from({ length: lines.length / 3 }, (_, at) => {
      const [code, cause, mend] = lines.slice(at * 3, at * 3 + 3).map(line => line.trim())
      return { code: code!, area, cause: cause!, mend: mend! }
    })
  })
}
