import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NewTopic, RawRecord } from '../broker/broker.ts'
import type { OpenedBroker } from '../broker/open/opened-broker.ts'
import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import type { Topology } from '../topology/topology.ts'
import type { StreamsConfig } from './config.ts'
import type { KafkaStreams } from './kafka-streams.ts'

/**
 * Values of `--set name=value`, as text. Names of settings are not among them: they configure the
 * application.
 */
export type TopologySettings = { readonly [name: string]: string }

/** The surroundings of a service, besides the application itself. */
export interface ServiceContext {
  /** The application's own broker, open until after the service is disposed. */
  readonly broker: OpenedBroker
  readonly logger: Logger
  readonly clock: Clock
  /**
   * Serves the site of the service: at `host` and `port`, or, under `millrace run --console`, below
   * `/rooms/<applicationId>/` of the console. Rejects with `LISTEN_FAILED`.
   * @example
   * ```ts
   * const serving = await context.serve({ fetch: app.fetch })
   * return { url: serving.url, [Symbol.asyncDispose]: () => serving.close() }
   * ```
   */
  serve(site: ServedSite): Promise<Serving>
  /** Address of `serve`: `HOST` and `PORT` of the environment, else 127.0.0.1 and 8080. */
  readonly host: string
  readonly port: number
  readonly stateDir: string
  readonly applicationId: string
  readonly settings: TopologySettings
  /** Number of this process among `--processes N`; the service runs in the first one, 0. */
  readonly processIndex: number
}

/**
 * A service is started when the application is running, and disposed before it closes. A rejection, or an
 * error on disposal, ends the process with exit code 1.
 */
export type Service = (
  streams: KafkaStreams,
  context: ServiceContext,
) => RunningService | Promise<RunningService>

export interface RunningService extends AsyncDisposable {
  /** Address at which people look at the application: shown where several run together. */
  readonly url?: string
}

/** What a service serves. Its pages link relatively, since the site may lie below a path. */
export interface ServedSite {
  /** Answers requests, whose paths begin at the site: that of a Hono app, say. */
  readonly fetch: (request: Request, env?: ServedEnvironment) => Response | Promise<Response>
  /** Takes connections that ask for another protocol: WebSockets. Default: they are refused. */
  readonly upgrade?: (request: IncomingMessage, stream: Duplex, head: Buffer) => void
  /** Cuts connections that `upgrade` took, when they have not ended a while after the site has closed. */
  readonly terminate?: () => void
}

/** What comes with a request: Node's own object of it, for a body that is read piece by piece. */
export interface ServedEnvironment {
  readonly incoming: IncomingMessage
}

export interface Serving {
  /** Where the site is, without a slash at the end. */
  readonly url: string
  /** Takes no more requests, and waits for those under way, 5 s at most. Idempotent. */
  close(): Promise<void>
}

/** Description of an application: shown where several run together, and in the console. */
export interface TopologyAbout {
  readonly title: string
  readonly description: string
  /** Up to three sentences: what it solves. */
  readonly problem?: readonly string[]
}

/**
 * A promise about topics that the console checks while it is looked at: each id that `expected` gives is seen
 * exactly once by `seen`. Both are counted from the topics themselves, by a reader of committed records of
 * its own, whatever the application says.
 */
export interface Audit {
  readonly name: string
  readonly description: string
  readonly expected: AuditSide
  readonly seen: AuditSide
  /** How long an expected id may stay unseen before it counts as lost. Default 30,000. */
  readonly graceMs?: number
}

export interface AuditSide {
  readonly topics: readonly string[]
  /** The id that a record stands for; undefined for a record that is none of the audit's. */
  id(record: RawRecord, topic: string): string | undefined
}

/** The exports of a file that `millrace run` and `millrace describe` take. */
export interface TopologyFile {
  readonly default: Topology | ((settings: TopologySettings) => Topology | Promise<Topology>)
  /** Topics that the application needs: created where they are missing, on any broker. */
  readonly topics?: readonly NewTopic[]
  /** Settings of the application; those of the command line override them. */
  readonly config?: Partial<StreamsConfig>
  readonly service?: Service
  readonly about?: TopologyAbout
  /** Promises that the console checks. */
  readonly audits?: readonly Audit[]
}
