import { ConfigError } from '../../common/errors/errors.ts'

/**
 * Under which subject a schema is registered, as the strategies of the Confluent serializers: `topic`:
 * `<topic>-key` or `<topic>-value`; `record`: the record's full name; `topic-record`: `<topic>-<full name>`.
 */
export type SubjectNaming = 'topic' | 'record' | 'topic-record'

export interface SubjectOptions {
  readonly topic: string | undefined
  readonly part: 'key' | 'value'
  /** Namespace and name of the schema; undefined where it is not a named type. */
  readonly recordName: string | undefined
}

/** The subject. Throws `ConfigError` where a part is missing that the strategy needs. */
export function subjectName(naming: SubjectNaming, { topic, part, recordName }: SubjectOptions): string {
  switch (naming) {
    case 'topic':
      return `${given('topic', naming, topic)}-${part}`
    case 'record':
      return given('a schema that is a record', naming, recordName)
    case 'topic-record':
      return `${given('topic', naming, topic)}-${given('a schema that is a record', naming, recordName)}`
  }
}

function given(what: string, naming: SubjectNaming, value: string | undefined): string {
  if (value !== undefined) return value
  throw new ConfigError(
    'MISSING_SETTING',
    `the subject of a schema is named by its ${naming}, so ${what} must be given (or subject itself)`,
  )
}
