import { expect, onTestFinished } from 'vitest'
import type { Admin, Broker } from '../../../lib/broker/broker.ts'
import { openBroker } from '../../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../../lib/common/logger.ts'
import type { StreamsConfig } from '../../../lib/streams/config.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { AppProcess } from './app-process.ts'
import type { AppTopology } from './app-topologies.ts'

let made = 0

/**
 * One application of one test on the real broker: its names, its processes, and what the broker says of it.
 */
export class KafkaStage {
  readonly broker: Broker
  readonly admin: Admin
  readonly applicationId: string
  /** Of its topics' names. */
  readonly prefix: string
  readonly #brokers: string

  private constructor(brokers: string, broker: Broker, admin: Admin, name: string) {
    this.#brokers = brokers
    this.broker = broker
    this.admin = admin
    this.applicationId = `${name}-${process.pid}-${(made += 1)}`
    this.prefix = `${this.applicationId}-`
  }

  static async open(brokers: string, name: string): Promise<KafkaStage> {
    const broker = await openBroker(brokers, { logger: silentLogger })
    onTestFinished(() => broker.close())
    const admin = await broker.admin()
    return new KafkaStage(brokers, broker, admin, name)
  }

  /** Starts a process; the test's end ends it. Without a `stateDir` it has a new one. */
  async start(topology: AppTopology, name: string, config: Partial<StreamsConfig> = {}): Promise<AppProcess> {
    const stateDir = config.stateDir ?? (await temporaryDirectory())
    const { applicationId, prefix } = this
    const app = new AppProcess({
      brokers: this.#brokers,
      topology,
      prefix,
      config: { applicationId, clientId: name, ...config, stateDir },
    })
    onTestFinished(() => app.kill())
    return app
  }

  /** The same process again, on the same disk. */
  restart(app: AppProcess): Promise<AppProcess> {
    return this.start(app.spec.topology, app.name, app.spec.config)
  }

  /** The sum of the committed offsets of an input topic. */
  async committed(topic: string, partitionCount: number): Promise<number> {
    const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
    const offsets = await this.admin.groupOffsets(this.applicationId, partitions)
    return [...offsets.values()].reduce((sum, { offset }) => sum + offset, 0)
  }

  /** How many partitions each member has, by the names of the processes. */
  async shares(): Promise<{ [name: string]: number }> {
    const group = await this.admin.describeGroup(this.applicationId)
    if (group.state !== 'stable') return {}
    return Object.fromEntries(
      group.members.map(({ clientId, partitions }) => [
        clientId.replace(/-anchors-\w+$/, ''),
        partitions.length,
      ]),
    )
  }

  /** Waits until exactly these processes share the tasks, none with two more than another. */
  async balanced(apps: readonly AppProcess[], tasks: number): Promise<void> {
    await eventually(
      async () => {
        for (const app of apps) app.assertAlive()
        const shares = await this.shares()
        expect(Object.keys(shares).sort()).toEqual(apps.map(({ name }) => name).sort())
        const sizes = Object.values(shares)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(tasks)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        return true
      },
      { pauseMs: 100, what: `${apps.length} members with even shares of ${tasks} tasks` },
    )
  }
}
