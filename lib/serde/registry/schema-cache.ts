import type { Clock } from '../../common/clock.ts'
import type { AvroSchema } from '../avro-schema.ts'
import type { SchemaSource } from './registry-avro-serde.ts'
import { RegistryError } from './registry-error.ts'

/**
 * Time for which an id is not asked for again that the registry does not know, or whose schema cannot be
 * used.
 */
const FAILURE_MS = 30_000

interface Failure {
  readonly error: RegistryError
  readonly untilMs: number
}

/**
 * Schemas by id. An id means the same schema for ever, so fetched ones are kept. Bounded by what the registry
 * holds.
 */
export class SchemaCache implements SchemaSource {
  readonly #fetchSchema: (id: number) => Promise<AvroSchema>
  readonly #clock: Clock
  readonly #schemas = new Map<number, AvroSchema>()
  readonly #failures = new Map<number, Failure>()
  readonly #loading = new Map<number, Promise<void>>()

  constructor(fetchSchema: (id: number) => Promise<AvroSchema>, clock: Clock) {
    this.#fetchSchema = fetchSchema
    this.#clock = clock
  }

  known(id: number): AvroSchema | Error | undefined {
    const schema = this.#schemas.get(id)
    if (schema !== undefined) return schema
    const failure = this.#failures.get(id)
    return failure && this.#clock.monotonicMs() < failure.untilMs ? failure.error : undefined
  }

  add(id: number, schema: AvroSchema): void {
    this.#schemas.set(id, schema)
  }

  /**
   * Fetches a schema. Rejects only where the registry itself fails; its answer about the schema, good or bad,
   * is in `known` afterwards.
   */
  async load(id: number): Promise<void> {
    if (this.known(id) !== undefined) return
    let loading = this.#loading.get(id)
    if (!loading) {
      loading = this.#load(id).finally(() => this.#loading.delete(id))
      this.#loading.set(id, loading)
    }
    return loading
  }

  async #load(id: number): Promise<void> {
    try {
      this.add(id, await this.#fetchSchema(id))
    } catch (error) {
      if (!(error instanceof RegistryError && isAboutSchema(error))) throw error
      this.#failures.set(id, { error, untilMs: this.#clock.monotonicMs() + FAILURE_MS })
    }
  }
}

/** Whether an error is about the schema, not the registry: only then may a handler drop its records. */
function isAboutSchema({ code }: RegistryError): boolean {
  return code === 'REGISTRY_NOT_FOUND' || code === 'REGISTRY_UNSUPPORTED' || code === 'REGISTRY_INVALID'
}
