import type { BrokerErrorClass } from '../../lib/broker/broker-error.ts'
import { brokerErrorFrom } from '../../lib/broker/kafka/native/classify-error.ts'
import { ERROR_CODES } from '../../lib/common/errors/error-codes.ts'
import { table } from './table.ts'

const quoted = (text: string) => `\`${text}\``

/** All codes that Millrace gives to errors of its own, below a heading for each area. */
export function errorCodesTable(): string {
  const areas = [...new Set(ERROR_CODES.map(({ area }) => area))]
  const tables = areas.map(area => {
    const codes = ERROR_CODES.filter(each => each.area === area)
    const rows = codes
      .sort((left, right) => (left.code < right.code ? -1 : 1))
      .map(({ code, cause, mend }) => [quoted(code), cause, mend])
    return `## ${area}\n\n${table(['code', 'cause', 'what to do'], rows)}`
  })
  return tables.join('\n')
}

/** What an application does about an error of a broker, by its class. */
const CLASSES: { readonly [name in BrokerErrorClass]: string } = {
  retriable: 'The call is made again, with growing pauses.',
  abortable: 'The transaction is aborted, and its records are processed again.',
  fenced: 'Another producer has the transactional id: the application gives its tasks up and begins anew.',
  'task-migrated':
    'The group has moved on without this member: it drops what is not committed, and joins again.',
  'record-refused': '`productionErrorHandler` is asked.',
  'topic-missing':
    'The topic is waited for half a minute; then the application ends, or the handler is asked.',
  authorization: 'The application ends, naming the right.',
  authentication: 'A first start ends, a running application after a minute.',
  fatal: 'The client is finished; the application ends, but for what is told elsewhere on this page.',
}

/** The protocol has fewer; an error that it does not have is named by its number. */
const NUMBERS = Array.from({ length: 140 }, (_, at) => at + 1)

export function brokerCodesTable(): string {
  const errors = NUMBERS.map(number =>
    brokerErrorFrom(Object.assign(new Error('refused'), { code: number }) as never, 'reading'),
  )
  const known = errors.filter(({ code }) => !code.startsWith('KAFKA_') || code === 'KAFKA_STORAGE_ERROR')
  const rows = Object.entries(CLASSES).map(([name, what]) => {
    const codes = known.filter(error => error.class === name).map(({ code }) => quoted(code))
    return [quoted(name), what, codes.join(' ')]
  })
  return table(['class', 'what happens', 'codes'], rows)
}
