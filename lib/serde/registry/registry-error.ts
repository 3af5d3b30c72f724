import { StreamsError } from '../../common/errors/errors.ts'

export type RegistryErrorCode =
  /** The registry cannot be reached, does not answer in time, or answers 5xx or 429, after all retries. */
  | 'REGISTRY_UNAVAILABLE'
  /** The registry refuses the credentials (401), or what they may do (403). */
  | 'REGISTRY_UNAUTHORIZED'
  /** The registry has no such subject, version or schema. */
  | 'REGISTRY_NOT_FOUND'
  /** The subject's compatibility rule forbids the schema. */
  | 'REGISTRY_INCOMPATIBLE'
  /** The registry says that the schema, subject or version is not valid. */
  | 'REGISTRY_INVALID'
  /** The schema is not Avro, or refers to other subjects, which is not supported. */
  | 'REGISTRY_UNSUPPORTED'
  /** The answer is not that of a schema registry. */
  | 'REGISTRY_ANSWER'

/** An error of the schema registry, or of asking it. */
export class RegistryError extends StreamsError {
  declare readonly code: RegistryErrorCode

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}
