import type { Type } from 'avsc'
import { systemClock, type Clock } from '../../common/clock.ts'
import { ConfigError, errorFrom } from '../../common/errors/errors.ts'
import { systemRandom, type Random } from '../../common/random.ts'
import type { AvroSchema, AvroValue } from '../avro-schema.ts'
import { avroType } from '../avro-type.ts'
import type { Serde } from '../serde.ts'
import { SerdeError } from '../serde-error.ts'
import { RegistryAvroSerde } from './registry-avro-serde.ts'
import { RegistryClient, type RegistryClientOptions } from './registry-client.ts'
import { RegistryError } from './registry-error.ts'
import { SchemaCache } from './schema-cache.ts'
import { subjectName, type SubjectNaming } from './subject-name.ts'

export interface SchemaRegistryOptions extends RegistryClientOptions {
  /** How subjects are named. Default `topic`. */
  readonly subjectNaming?: SubjectNaming
}

/** The objects that a registry works with; tests give a manual clock. */
export interface SchemaRegistryComponents {
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Options of an Avro serde. Give `schema`, or leave it to the registry; give `topic`, or `subject` itself.
 */
export interface RegistryAvroOptions {
  /** The program's own schema. If left out: the subject's, in the version asked for. */
  readonly schema?: AvroSchema
  /** Version of the schema, where `schema` is left out. Default `latest`. */
  readonly version?: SchemaVersion
  /** Topic whose records the serde is for: it names the subject, as the registry's `subjectNaming` says. */
  readonly topic?: string
  /** The part of a record that the serde is for. Default `value`. */
  readonly part?: 'key' | 'value'
  readonly subject?: string
  /**
   * Whether to register the schema if it is new. Default false: a schema that is not registered is
   * `REGISTRY_NOT_FOUND`.
   */
  readonly register?: boolean
}

export type SchemaVersion = number | 'latest'

export interface RegisteredSchema {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schema: AvroSchema
}

/** The answer of a subject's compatibility rule about a schema; `messages` tell what is wrong with it. */
export interface Compatibility {
  readonly compatible: boolean
  readonly messages: readonly string[]
}

/** Versions of a subject that are loaded with a serde; older ones are loaded when a record has them. */
const PRELOADED_VERSIONS = 50

/**
 * A Confluent schema registry. Serdes are synchronous, the registry is not: so a serde's own schema, and the
 * versions of its subject, are fetched when it is made. A record of another schema makes its partition wait
 * until that is fetched; other partitions go on.
 *
 * ```ts
 * const registry = new SchemaRegistry({ url: 'http://localhost:8081' })
 * const orders = await registry.avro<Order>({ topic: 'orders', schema: orderSchema, register: true })
 * builder.stream('orders', { keySerde: serdes.string(), valueSerde: orders })
 * ```
 *
 * Every method rejects with a `RegistryError`. Schema references are not supported: a schema that has some is
 * `REGISTRY_UNSUPPORTED`.
 */
export class SchemaRegistry {
  readonly #client: RegistryClient
  readonly #naming: SubjectNaming
  readonly #schemas: SchemaCache

  constructor(options: SchemaRegistryOptions, components: SchemaRegistryComponents = {}) {
    const { clock = systemClock, random = systemRandom } = components
    this.#client = new RegistryClient(options, clock, random)
    this.#naming = options.subjectNaming ?? 'topic'
    this.#schemas = new SchemaCache(id => this.#fetchSchema(id), clock)
  }

  /**
   * A serde for records of this schema. It writes it with one id on every topic that it is used for, internal
   * ones included; it reads every schema that Avro can resolve to it. The type of its values is the one
   * given, else that of the schema (`AvroValue`), if that is given.
   */
  avro<T = never>(options: [T] extends [never] ? never : RegistryAvroOptions): Promise<Serde<NoInfer<T>>>
  avro<const S extends AvroSchema>(
    options: RegistryAvroOptions & { readonly schema: S },
  ): Promise<Serde<AvroValue<S>>>
  avro(options: RegistryAvroOptions): Promise<Serde<unknown>>
  async avro<T>(options: RegistryAvroOptions): Promise<Serde<T>> {
    const { id, subject, schema } = await this.#writerSchema(options)
    this.#schemas.add(id, schema)
    await this.#preload(subject)
    return new RegistryAvroSerde<T>(typeFor(schema), id, this.#schemas)
  }

  /**
   * Registers the schema under the subject, if it is new there; returns its id. `REGISTRY_INCOMPATIBLE` where
   * the subject's rule forbids it.
   */
  async register(subject: string, schema: AvroSchema): Promise<number> {
    const answer = await this.#client.post(`${subjectPath(subject)}/versions`, schemaBody(schema))
    const id = numberOf(answer, 'id')
    this.#schemas.add(id, schema)
    return id
  }

  /** Finds exactly this schema in the subject. */
  async find(subject: string, schema: AvroSchema): Promise<RegisteredSchema> {
    return registeredSchema(await this.#client.post(subjectPath(subject), schemaBody(schema)))
  }

  async version(subject: string, version: SchemaVersion = 'latest'): Promise<RegisteredSchema> {
    return registeredSchema(await this.#client.get(`${subjectPath(subject)}/versions/${version}`))
  }

  /** Versions of a subject, ascending. */
  async versions(subject: string): Promise<readonly number[]> {
    return (await this.#client.get(`${subjectPath(subject)}/versions`)) as number[]
  }

  /** Asks the subject's rule about a schema as its next version. */
  async compatibility(
    subject: string,
    schema: AvroSchema,
    version: SchemaVersion = 'latest',
  ): Promise<Compatibility> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/${version}?verbose=true`
    const answer = (await this.#client.post(path, schemaBody(schema))) as {
      is_compatible?: boolean
      messages?: string[]
    }
    return { compatible: answer.is_compatible === true, messages: answer.messages ?? [] }
  }

  /** The schema of this id, from the cache where it is known. */
  async schema(id: number): Promise<AvroSchema> {
    await this.#schemas.load(id)
    const found = this.#schemas.known(id)
    if (found instanceof Error) throw found
    return found!
  }

  /** Fetches a schema before a record has it: for tests with `TopologyTestDriver`, where nothing can wait. */
  async load(id: number): Promise<void> {
    await this.schema(id)
  }

  async #writerSchema(options: RegistryAvroOptions): Promise<Omit<RegisteredSchema, 'version'>> {
    const { schema, topic, part = 'value', register = false, version = 'latest' } = options
    const recordName = schema === undefined ? undefined : nameOf(typeFor(schema))
    const subject = options.subject ?? subjectName(this.#naming, { topic, part, recordName })
    if (schema === undefined) return this.version(subject, version)
    if (options.version !== undefined) {
      throw new ConfigError(
        'CONFLICTING_SETTINGS',
        'version picks a schema of the registry: leave schema out, or version',
      )
    }
    const id = register ? await this.register(subject, schema) : (await this.#findOrSay(subject, schema)).id
    return { id, subject, schema }
  }

  async #findOrSay(subject: string, schema: AvroSchema): Promise<RegisteredSchema> {
    try {
      return await this.find(subject, schema)
    } catch (cause) {
      if (!(cause instanceof RegistryError && cause.code === 'REGISTRY_NOT_FOUND')) throw cause
      throw new RegistryError(
        'REGISTRY_NOT_FOUND',
        `the schema is not registered under "${subject}" at ${this.#client.url}: register it, or set register: true (${cause.message})`,
        { cause },
      )
    }
  }

  /**
   * Loads schemas that stores and topics may hold from earlier versions of the program: a store cannot wait
   * for a schema.
   */
  async #preload(subject: string): Promise<void> {
    const versions = (await this.versions(subject)).slice(-PRELOADED_VERSIONS)
    await Promise.all(
      versions.map(async version => {
        try {
          const { id, schema } = await this.version(subject, version)
          this.#schemas.add(id, schema)
        } catch (error) {
          // A version that was deleted meanwhile, or is not Avro, matters only if a record has it, and fails
          // then.
          if (!(error instanceof RegistryError) || error.code === 'REGISTRY_UNAVAILABLE') throw error
        }
      }),
    )
  }

  async #fetchSchema(id: number): Promise<AvroSchema> {
    return schemaOf(await this.#client.get(`/schemas/ids/${id}`), `schema ${id}`)
  }
}

function subjectPath(subject: string): string {
  return `/subjects/${encodeURIComponent(subject)}`
}

function schemaBody(schema: AvroSchema): { schema: string } {
  return { schema: JSON.stringify(schema) }
}

function registeredSchema(answer: unknown): RegisteredSchema {
  const { subject } = answer as { subject?: unknown }
  const version = numberOf(answer, 'version')
  return {
    subject: String(subject),
    version,
    id: numberOf(answer, 'id'),
    schema: schemaOf(answer, `version ${version} of "${String(subject)}"`),
  }
}

function schemaOf(answer: unknown, what: string): AvroSchema {
  const {
    schema,
    schemaType = 'AVRO',
    references = [],
  } = answer as {
    schema?: unknown
    schemaType?: string
    references?: readonly unknown[]
  }
  if (schemaType !== 'AVRO') {
    throw new RegistryError('REGISTRY_UNSUPPORTED', `${what} is of type ${schemaType}: only Avro can be read`)
  }
  if (references.length > 0) {
    throw new RegistryError(
      'REGISTRY_UNSUPPORTED',
      `${what} refers to other subjects, which is not supported: register it with those types written out`,
    )
  }
  try {
    return JSON.parse(String(schema)) as AvroSchema
  } catch (cause) {
    throw new RegistryError('REGISTRY_ANSWER', `${what} is not JSON: ${errorFrom(cause).message}`, { cause })
  }
}

function numberOf(answer: unknown, name: string): number {
  const value = (answer as { [name: string]: unknown } | null)?.[name]
  if (Number.isSafeInteger(value)) return value as number
  throw new RegistryError('REGISTRY_ANSWER', `an answer of the schema registry has no number "${name}"`)
}

function typeFor(schema: AvroSchema): Type {
  try {
    return avroType(schema)
  } catch (cause) {
    throw new SerdeError('SERDE_SCHEMA', `the schema is not Avro: ${errorFrom(cause).message}`, { cause })
  }
}

/** The full name of a type: records, enumerations and fixed types have one. */
function nameOf(type: Type): string | undefined {
  return type.name
}
