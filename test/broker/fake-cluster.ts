import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteReader } from '../../lib/broker/kafka/protocol/byte-reader.ts'
import { ByteWriter } from '../../lib/broker/kafka/protocol/byte-writer.ts'
import { FrameReader } from '../../lib/broker/kafka/protocol/frame-reader.ts'

const [FETCH, METADATA, API_VERSIONS] = [1, 3, 18]

export interface FakeBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
  /** Of the leader that wrote it; 0 where nothing is said. */
  readonly epoch?: number
}

export interface FakePartition {
  leader: number
  epoch: number
  readonly batches: FakeBatch[]
}

export interface FakeFetch {
  readonly node: number
  readonly version: number
  readonly partitions: readonly {
    readonly partition: number
    readonly offset: number
    readonly epoch: number
    /** Of the last record that was read; -1 before the first, and from readers that do not tell it. */
    readonly lastEpoch: number
    readonly bytesMax: number
  }[]
}

/**
 * What becomes of a response to a fetch: other bytes, nothing (the client waits), or the end of the
 * connection after so many bytes.
 */
export type Fate = Buffer | 'silence' | { readonly cutAfter: number }

/**
 * Two nodes that speak just enough of the protocol to be read from: one topic, its leaders, and whatever may
 * go wrong. It is there for what a real broker cannot be made to do on demand; what a broker does is tested
 * on a real one.
 */
export class FakeCluster {
  readonly topic = 'fake'
  topicId: string | undefined = '0123456789abcdef0123456789abcdef'
  exists = true
  /** Highest versions offered. */
  versions = { fetch: [4, 17], metadata: [0, 13] }
  /** Cuts every partition's part at the number of bytes asked for, as brokers do behind the first. */
  cutsHard = false
  readonly partitions: FakePartition[]
  readonly fetches: FakeFetch[] = []
  /** How often it was asked for the leaders. */
  metadataRequests = 0
  /** Requests that were not answered yet, at most, on one connection. */
  outstandingMax = 0
  fate: (response: Buffer, fetch: FakeFetch) => Fate = response => response
  /** Instead of records, for a partition. */
  errorOf: (partition: number, fetch: FakeFetch) => number = () => 0
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  #closed = false

  private constructor(partitionCount: number) {
    this.partitions = Array.from({ length: partitionCount }, () => ({ leader: 0, epoch: 0, batches: [] }))
  }

  static async start(partitionCount = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster(partitionCount)
    for (const node of [0, 1]) {
      const server = createServer(socket => cluster.#serve(socket, node))
      await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
      cluster.#servers.push(server)
    }
    return cluster
  }

  get address(): string {
    return `127.0.0.1:${this.#portOf(0)}`
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.dropConnections()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  #portOf(node: number): number {
    return (this.#servers[node]!.address() as AddressInfo).port
  }

  #serve(socket: Socket, node: number): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined)
    const frames = new FrameReader(1_000_000)
    let outstanding = 0
    let turn = Promise.resolve()
    socket.on('data', (chunk: Buffer) =>
      frames.push(chunk, frame => {
        outstanding += 1
        this.outstandingMax = Math.max(this.outstandingMax, outstanding)
        turn = turn.then(async () => {
          await this.#answer(socket, node, frame)
          outstanding -= 1
        })
      }),
    )
  }

  async #answer(socket: Socket, node: number, frame: Buffer): Promise<void> {
    const head = new ByteReader(frame, 0, false)
    const [key, version, correlationId] = [head.int16(), head.int16(), head.int32()]
    head.nullableString()
    const flexible = (key === FETCH && version >= 12) || (key === METADATA && version >= 9)
    const body = new ByteReader(frame, head.at, flexible)
    body.tags()
    const writer = new ByteWriter(flexible)
    writer.int32(0).int32(correlationId)
    if (key !== API_VERSIONS) writer.noTags()
    if (key === API_VERSIONS) this.#writeVersions(writer)
    else if (key === METADATA) this.#writeMetadata(writer, version)
    else return this.#answerFetch(socket, writer, readFetch(body, node, version))
    send(socket, writer.finish())
  }

  #writeVersions(writer: ByteWriter): void {
    const { fetch, metadata } = this.versions
    writer.int16(0).array(2)
    writer.int16(FETCH).int16(fetch[0]!).int16(fetch[1]!)
    writer.int16(METADATA).int16(metadata[0]!).int16(metadata[1]!)
  }

  #writeMetadata(writer: ByteWriter, version: number): void {
    this.metadataRequests += 1
    writer.int32(0).array(2)
    for (const node of [0, 1]) {
      writer.int32(node).string('127.0.0.1').int32(this.#portOf(node)).string(null).noTags()
    }
    writer.string('cluster').int32(0).array(1)
    writer.int16(this.exists ? 0 : 3).string(this.topic)
    if (version >= 10)
      writer.raw(Buffer.from(this.exists ? (this.topicId ?? '0'.repeat(32)) : '0'.repeat(32), 'hex'))
    writer.boolean(false).array(this.exists ? this.partitions.length : 0)
    if (this.exists) {
      this.partitions.forEach(({ leader, epoch }, partition) => {
        writer
          .int16(leader < 0 ? 5 : 0)
          .int32(partition)
          .int32(leader)
          .int32(epoch)
        writer.array(0).array(0).array(0).noTags()
      })
    }
    writer.int32(0).noTags()
    if (version <= 10) writer.int32(0)
    writer.noTags()
  }

  async #answerFetch(
    socket: Socket,
    writer: ByteWriter,
    { request, waitMs, topicId }: ReadFetch,
  ): Promise<void> {
    this.fetches.push(request)
    const isKnown = () => topicId === undefined || topicId === this.topicId
    const errors = () => request.partitions.map(each => (isKnown() ? this.#errorFor(each, request) : 100))
    const hasNews = () =>
      errors().some(code => code !== 0) ||
      request.partitions.some(each => this.#divergenceOf(each) !== undefined) ||
      request.partitions.some(each => this.#hasRecords(each))
    const deadline = performance.now() + waitMs
    while (!hasNews() && performance.now() < deadline && !this.#closed) await sleep(2)
    writer.int32(0).int16(0).int32(0).array(1)
    if (topicId === undefined) writer.string(this.topic)
    else writer.raw(Buffer.from(topicId, 'hex'))
    writer.array(request.partitions.length)
    const codes = errors()
    request.partitions.forEach((asked, index) => this.#writePartition(writer, asked, codes[index]!))
    writer.noTags().noTags()
    const response = Buffer.from(writer.finish())
    const fate = this.fate(response, request)
    if (fate === 'silence') return
    if (Buffer.isBuffer(fate)) return send(socket, fate)
    send(socket, response, fate.cutAfter)
    socket.end()
  }

  #writePartition(writer: ByteWriter, asked: FakeFetch['partitions'][number], errorCode: number): void {
    const batches = this.partitions[asked.partition]?.batches ?? []
    const end = (batches.at(-1)?.lastOffset ?? -1) + 1
    const divergence = errorCode === 0 ? this.#divergenceOf(asked) : undefined
    writer.int32(asked.partition).int16(errorCode).int64(end).int64(end).int64(0).array(0).int32(-1)
    writer.bytes(errorCode === 0 && !divergence ? this.#recordsFor(asked) : Buffer.alloc(0))
    if (divergence) writer.raw(divergenceTag(divergence))
    else writer.noTags()
  }

  /**
   * The last epoch of the log that is not behind the reader's, and its end; undefined where the log is what
   * was read.
   */
  #divergenceOf({ partition, offset, lastEpoch }: FakeFetch['partitions'][number]): Divergence | undefined {
    if (lastEpoch < 0) return undefined
    const kept = (this.partitions[partition]?.batches ?? []).filter(({ epoch = 0 }) => epoch <= lastEpoch)
    const last = kept.at(-1)
    const [epoch, endOffset] = [last?.epoch ?? 0, (last?.lastOffset ?? -1) + 1]
    return epoch < lastEpoch || endOffset < offset ? { epoch, endOffset } : undefined
  }

  #recordsFor({ partition, offset, bytesMax }: FakeFetch['partitions'][number]): Buffer {
    const batches = this.partitions[partition]!.batches.filter(({ lastOffset }) => lastOffset >= offset)
    const whole = Buffer.concat(batches.map(({ bytes }) => bytes))
    const atLeast = this.cutsHard ? 0 : (batches[0]?.bytes.length ?? 0)
    return whole.subarray(0, Math.max(bytesMax, atLeast))
  }

  #hasRecords({ partition, offset }: FakeFetch['partitions'][number]): boolean {
    return (this.partitions[partition]?.batches.at(-1)?.lastOffset ?? -1) >= offset
  }

  #errorFor(asked: FakeFetch['partitions'][number], fetch: FakeFetch): number {
    const partition = this.partitions[asked.partition]
    if (!partition || !this.exists) return 3
    if (partition.leader !== fetch.node) return 6
    if (asked.epoch < partition.epoch) return 74
    if (asked.epoch > partition.epoch) return 75
    if (this.#divergenceOf(asked)) return 0
    const end = (partition.batches.at(-1)?.lastOffset ?? -1) + 1
    if (asked.offset > end || asked.offset < (partition.batches[0]?.firstOffset ?? 0)) return 1
    return this.errorOf(asked.partition, fetch)
  }
}

interface Divergence {
  readonly epoch: number
  readonly endOffset: number
}

/** One tagged field, number 0: an epoch and an offset, and no tags of its own. */
function divergenceTag({ epoch, endOffset }: Divergence): Buffer {
  const bytes = Buffer.from([1, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  bytes.writeInt32BE(epoch, 3)
  bytes.writeBigInt64BE(BigInt(endOffset), 7)
  return bytes
}

interface ReadFetch {
  readonly request: FakeFetch
  readonly waitMs: number
  readonly topicId: string | undefined
}

function readFetch(body: ByteReader, node: number, version: number): ReadFetch {
  body.int32()
  const waitMs = body.int32()
  body.skip(4 + 4 + 1 + 4 + 4)
  const partitions: FakeFetch['partitions'][number][] = []
  let topicId: string | undefined
  for (let topics = body.array(); topics > 0; topics -= 1) {
    if (version >= 13) topicId = body.uuid()
    else body.string()
    for (let left = body.array(); left > 0; left -= 1) {
      const [partition, epoch, offset] = [body.int32(), body.int32(), body.int64()]
      const lastEpoch = version >= 12 ? body.int32() : -1
      body.skip(8)
      partitions.push({ partition, epoch, offset, lastEpoch, bytesMax: body.int32() })
      body.tags()
    }
    body.tags()
  }
  return { request: { node, version, partitions }, waitMs, topicId }
}

function send(socket: Socket, response: Buffer, cutAfter = response.length): void {
  response.writeInt32BE(response.length - 4, 0)
  socket.write(response.subarray(0, cutAfter))
}
