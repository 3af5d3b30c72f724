import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBroker, silentLogger, type Admin, type Broker } from '../../lib/index.ts'
import { missingForBroker } from '../../test/kafka/broker-jars.ts'
import { startRealBroker, type RealBroker } from '../../test/kafka/real-broker.ts'
import { Application, type ApplicationSpec, type Side } from './application.ts'
import { MissingError } from './missing-error.ts'

export type Say = (line: string) => void

/**
 * Where the runs take place: one broker, its clients, a temporary directory, and the applications that are
 * running. `close` ends and removes all of it, at any moment.
 */
export class Stage {
  readonly directory: string
  readonly say: Say
  /** Event time begins here: now, since brokers may refuse or delete records of other days. */
  readonly startMs = Math.floor(Date.now() / 60_000) * 60_000
  readonly #applications = new Set<Application>()
  #starting: Promise<RealBroker> | undefined
  #node: RealBroker | undefined
  #broker: Broker | undefined
  #admin: Admin | undefined
  #serial = 0
  #closing: Promise<void> | undefined

  static async open(say: Say): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'millrace-compare-')), say)
  }

  private constructor(directory: string, say: Say) {
    this.directory = directory
    this.say = say
  }

  /** Throws `MissingError` where no broker can be started here. */
  async startBroker(): Promise<void> {
    const missing = await missingForBroker()
    if (missing) throw new MissingError(missing)
    this.say('starting a broker')
    this.#starting = startRealBroker({ dataDirectory: join(this.directory, 'kafka'), quiet: true })
    this.#node = await this.#starting
    this.#broker = await openBroker(this.#node.brokers, { logger: silentLogger })
    this.#admin = await this.#broker.admin()
  }

  get brokers(): string {
    return opened(this.#node).brokers
  }

  get broker(): Broker {
    return opened(this.#broker)
  }

  get admin(): Admin {
    return opened(this.#admin)
  }

  /** A name that no other run has. */
  unique(name: string): string {
    this.#serial += 1
    return `${name}-${this.#serial}`
  }

  start(side: Side, spec: Omit<ApplicationSpec, 'brokers' | 'stateDir'>): Application {
    if (this.#closing) throw new Error('the bench is ending')
    const stateDir = this.stateDir(spec.applicationId)
    const application = new Application(
      side.title,
      side.command({ ...spec, brokers: this.brokers, stateDir }),
    )
    this.#applications.add(application)
    return application
  }

  /** Ends it in order and wipes its state. */
  async end(application: Application, applicationId: string): Promise<void> {
    await application.stop()
    this.#applications.delete(application)
    await rm(this.stateDir(applicationId), { recursive: true, force: true })
  }

  stateDir(applicationId: string): string {
    return join(this.directory, `state-${applicationId}`)
  }

  async killApplications(): Promise<void> {
    await Promise.all(Array.from(this.#applications, application => application.kill()))
    this.#applications.clear()
  }

  async createTopics(topics: readonly string[], partitionCount: number): Promise<void> {
    const config = { 'retention.ms': '-1' }
    await this.admin.createTopics(topics.map(topic => ({ topic, partitionCount, config })))
  }

  /** These topics, and the internal ones of these applications. */
  async deleteTopics(topics: readonly string[], applicationIds: readonly string[]): Promise<void> {
    const all = await this.admin.listTopics()
    // Quix Streams calls them changelog__ID--…
    const isOf = (topic: string, id: string) => topic.startsWith(`${id}-`) || topic.includes(`__${id}-`)
    const internal = all.filter(topic => applicationIds.some(id => isOf(topic, id)))
    await this.admin.deleteTopics([...topics, ...internal])
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.killApplications()
    await this.#admin?.close()
    await this.#broker?.close()
    // A broker that is still starting would go on writing into the directory.
    const node = await this.#starting?.catch(() => undefined)
    await node?.stop()
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

function opened<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the broker is not started: call startBroker first')
  return part
}
