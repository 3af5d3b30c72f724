import { StreamsError } from '../../common/errors/errors.ts'

export type RegistryErrorCode =
  /** It cannot be reached, does not answer in time, or says that it is ill (5xx, 429), after all retries. */
  | 'REGISTRY_UNAVAILABLE'
  /** It refuses the credentials (401), or what they may do (403). */
  | 'REGISTRY_UNAUTHORIZED'
  /** No such subject, version or schema. */
  | 'REGISTRY_NOT_FOUND'
  /** The subject's compatibility rule forbids the schema. */
  | 'REGISTRY_INCOMPATIBLE'
  /** The registry says that the schema, subject or version is none. */
  | 'REGISTRY_INVALID'
  /** The schema is not Avro, or refers to other subjects, which is not supported. */
  | 'REGISTRY_UNSUPPORTED'
  /** The answer is none of a schema registry. */
  | 'REGISTRY_ANSWER'

/** Something that the schema registry refused, or did not answer. */
export class RegistryError extends StreamsError {
  declare readonly code: RegistryErrorCode

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}
