import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { brokerJars } from '../broker-jars.ts'
import type { NodeId } from './cluster.ts'

const SOURCE = fileURLToPath(new URL('Witness.java', import.meta.url))

/** A committed record, as the JVM reads it; a count is its digits. */
export interface WitnessedRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
}

/** Committed records that one poll of the JVM brought, of one partition. */
export interface Arrival {
  readonly atMs: number
  readonly topic: string
  readonly partition: number
  readonly count: number
  /** The latest timestamp among them. */
  readonly latestMs: number
}

export interface FeedRequest {
  readonly topic: string
  readonly perSecond: number
  readonly keys: number
  /** Number of the first record. */
  readonly from: number
  readonly total: number
  /** Blanks behind each value. */
  readonly ballastBytes: number
}

/** What the feed has done; `failures` is empty unless records were refused for good. */
export interface Fed {
  readonly sent: number
  readonly acknowledged: number
  readonly failures: readonly string[]
}

/** A right, or its denial; `user` is the name without `User:`. */
export interface Acl {
  readonly resource: 'topic' | 'group' | 'transactional_id' | 'cluster'
  readonly name: string
  readonly pattern: 'literal' | 'prefixed'
  readonly user: string
  readonly operation: string
  readonly permission: 'allow' | 'deny'
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: Error) => void
}

/** The JVM beside the cluster: `Witness.java`. Every method rejects with what the JVM's client says. */
export class Witness {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  readonly #ended: Promise<void>
  #asked = 0
  #errors = ''

  private constructor(args: readonly string[]) {
    const child = spawn('java', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.on(
      'data',
      (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-4000)),
    )
    // Whoever asks hears of the end; a broken pipe says nothing more.
    child.stdin.on('error', () => undefined)
    createInterface({ input: child.stdout }).on('line', line => this.#take(JSON.parse(line) as Answer))
    this.#ended = new Promise(resolve => {
      child.once('error', resolve).once('close', resolve)
    }).then(() => this.#giveUp())
  }

  static async start(brokers: string): Promise<Witness> {
    const jars = await brokerJars(() => undefined)
    const flags = ['-Xmx300m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
    return new Witness([...flags, log, '-cp', join(jars, '*'), SOURCE, brokers])
  }

  async end(): Promise<void> {
    this.#child.stdin?.end()
    await this.#ended
  }

  async createTopic(topic: string, partitions: number, settings: { [name: string]: string } = {}) {
    await this.#ask('createTopic', { topic, partitions, settings })
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    await this.#ask('deleteTopics', { topics })
  }

  topics(): Promise<readonly string[]> {
    return this.#ask('topics')
  }

  /** Leader (-1 where there is none) and number of replicas in sync, of each partition. */
  describe(topic: string): Promise<readonly { readonly leader: NodeId | -1; readonly inSync: number }[]> {
    return this.#ask('describe', { topic })
  }

  async setTopic(topic: string, name: string, value: string): Promise<void> {
    await this.#ask('setTopic', { topic, name, value })
  }

  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    await this.#ask('deleteRecords', { topic, partition, before })
  }

  /** Of each partition, for a reader of committed records. */
  ends(topic: string): Promise<readonly number[]> {
    return this.#ask('ends', { topic })
  }

  /** By `topic-partition`. */
  committed(group: string): Promise<{ readonly [partition: string]: number }> {
    return this.#ask('committed', { group })
  }

  groupCoordinator(group: string): Promise<NodeId> {
    return this.#ask('groupCoordinator', { group })
  }

  groupMembers(group: string): Promise<number> {
    return this.#ask('groupMembers', { group })
  }

  transactionCoordinator(transactionalId: string): Promise<NodeId> {
    return this.#ask('transactionCoordinator', { transactionalId })
  }

  /** State of each transactional id's last transaction. */
  transactions(): Promise<{ readonly [transactionalId: string]: string }> {
    return this.#ask('transactions')
  }

  async grant(acl: Acl): Promise<void> {
    await this.#ask('grant', { ...acl })
  }

  async revoke(acl: Acl): Promise<void> {
    await this.#ask('revoke', { ...acl })
  }

  async setPassword(user: string, password: string): Promise<void> {
    await this.#ask('setPassword', { user, password })
  }

  /** A row for each key: `k-n` is `name-n`. */
  async fill(topic: string, keys: number, name: string): Promise<void> {
    await this.#ask('fill', { topic, keys, name })
  }

  async feed(request: FeedRequest): Promise<void> {
    await this.#ask('feed', { ...request })
  }

  fed(): Promise<Fed> {
    return this.#ask('fed')
  }

  /** Resolves when all that was sent has been acknowledged. */
  stopFeed(): Promise<Fed> {
    return this.#ask('stopFeed')
  }

  async watch(topics: readonly string[]): Promise<void> {
    await this.#ask('watch', { topics })
  }

  /** What the watch saw arrive, by the clock of this machine, from the n-th arrival on. */
  async seen(from: number): Promise<Arrival[]> {
    const arrivals = await this.#ask<[number, string, number, number, number][]>('seen', { from })
    return arrivals.map(([atMs, topic, partition, count, latestMs]) => ({
      ...{ atMs, topic, partition, count, latestMs },
    }))
  }

  async read(topic: string): Promise<WitnessedRecord[]> {
    const records = await this.#ask<[number, number, string, string][]>('read', { topic })
    return records.map(([partition, offset, key, value]) => ({ partition, offset, key, value }))
  }

  #ask<T>(what: string, fields: { readonly [name: string]: unknown } = {}): Promise<T> {
    const id = (this.#asked += 1)
    return new Promise<T>((resolve, reject) => {
      if (this.#child.exitCode !== null) return reject(this.#endError())
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#child.stdin?.write(`${JSON.stringify({ id, do: what, ...fields })}\n`)
    })
  }

  #take({ id, value, error }: Answer): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) pending?.resolve(value)
    else pending?.reject(new Error(`the witness: ${error}`))
  }

  #giveUp(): void {
    for (const { reject } of this.#pending.values()) reject(this.#endError())
    this.#pending.clear()
  }

  #endError(): Error {
    return new Error(`the witness has ended: ${this.#errors}`)
  }
}
