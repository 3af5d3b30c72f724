import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { RawRecord } from '../../lib/broker/broker.ts'
import { BatchHeader } from '../../lib/broker/kafka/protocol/records/batch-header.ts'
import { RecordDecoder } from '../../lib/broker/kafka/protocol/records/record-decoder.ts'
import { ByteReader } from '../../lib/broker/kafka/protocol/byte-reader.ts'
import { ByteWriter } from '../../lib/broker/kafka/protocol/byte-writer.ts'
import { FrameReader } from '../../lib/broker/kafka/protocol/frame-reader.ts'
import type { FakeTransactions } from './fake-transactions.ts'

const [PRODUCE, METADATA, FIND_COORDINATOR, API_VERSIONS, INIT_PRODUCER_ID, ADD_PARTITIONS, END_TXN] = [
  0, 3, 10, 18, 22, 24, 26,
]
const NOT_COORDINATOR = 16
const FLEXIBLE_FROM: { readonly [api: number]: number } = {
  [PRODUCE!]: 9,
  [METADATA!]: 9,
  [FIND_COORDINATOR!]: 3,
  [INIT_PRODUCER_ID!]: 2,
  [ADD_PARTITIONS!]: 3,
  [END_TXN!]: 3,
}

export interface WrittenBatch {
  readonly bytes: Buffer
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
  readonly isTransactional: boolean
  readonly records: readonly RawRecord[]
}

export interface FakeLog {
  leader: number
  epoch: number
  readonly batches: WrittenBatch[]
}

export interface FakeProduce {
  readonly node: number
  readonly version: number
  readonly transactionalId: string | null
  readonly parts: readonly { readonly partition: number; readonly batch: WrittenBatch }[]
}

/**
 * What becomes of a produce request: `write` it and answer, write it and `lose` the answer with the
 * connection, `drop` it unwritten with the connection, never answer (`silence`), or an error code for each
 * partition. Bytes are sent in place of the answer.
 */
export type ProduceFate =
  'write' | 'lose' | 'drop' | 'silence' | readonly number[] | { readonly bytes: Buffer }

/**
 * Two nodes that can be written to, and count sequence numbers as brokers do. For what a real broker cannot
 * be made to do on demand; what a broker does is tested on a real one.
 */
export class FakeLogCluster {
  readonly topic = 'fake'
  readonly partitions: FakeLog[]
  versions: { readonly [api: number]: readonly [number, number] } = {
    [PRODUCE!]: [3, 13],
    [METADATA!]: [0, 13],
    [FIND_COORDINATOR!]: [0, 6],
    [INIT_PRODUCER_ID!]: [0, 5],
    [ADD_PARTITIONS!]: [0, 5],
    [END_TXN!]: [0, 5],
  }
  exists = true
  batchBytesMax = Infinity
  readonly produces: FakeProduce[] = []
  /** How often it was asked for the leaders. */
  metadataRequests = 0
  /** What the transaction's coordinator heard, in order. */
  readonly told: string[] = []
  outstandingMax = 0
  fate: (request: FakeProduce) => ProduceFate | Promise<ProduceFate> = () => 'write'
  /**
   * Error codes of the coordinator's next answers; 0 when there are none left. `lose`: done, but the
   * connection is cut.
   */
  readonly addCodes: (number | 'lose')[] = []
  readonly endCodes: (number | 'lose')[] = []
  readonly findCodes: number[] = []
  coordinator = 1
  /** Those that the cluster says it has. */
  nodes: readonly number[] = [0, 1]
  identities = 0
  /** How many connections were ever taken. */
  accepted = 0
  /** Called with each request's key, or with what a native client asks for, before anything becomes of it. */
  onRequest: (what: number | string) => void = () => undefined
  /** Judges what is written and ended as a coordinator does; without it every transaction is well. */
  transactions: FakeTransactions | undefined
  readonly #servers: Server[] = []
  /** What comes late is answered when the servers are closed already. */
  readonly #ports: number[] = []
  readonly #sockets = new Set<Socket>()
  readonly #inTransaction = new Set<number>()
  readonly #stalls = new Map<number, Stall>()

  private constructor(partitionCount: number) {
    this.partitions = Array.from({ length: partitionCount }, () => ({ leader: 0, epoch: 0, batches: [] }))
  }

  static async start(partitionCount = 1): Promise<FakeLogCluster> {
    const cluster = new FakeLogCluster(partitionCount)
    for (const node of [0, 1]) {
      // Who measures by another clock than the system's would wait for delayed acknowledgements.
      const server = createServer({ noDelay: true }, socket => cluster.#serve(socket, node))
      await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
      cluster.#servers.push(server)
      cluster.#ports.push((server.address() as AddressInfo).port)
    }
    return cluster
  }

  get address(): string {
    return this.addressOf(0)
  }

  addressOf(node: number): string {
    return `127.0.0.1:${this.#portOf(node)}`
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  values(partition = 0): string[] {
    return this.partitions[partition]!.batches.flatMap(({ records }) =>
      records.map(({ value }) => String(value)),
    )
  }

  /**
   * From now on a node takes connections and requests, as a stopped process's kernel does, and answers
   * nothing.
   */
  stall(node: number): void {
    if (this.#stalls.has(node)) return
    let resume = () => undefined as void
    const over = new Promise<void>(resolve => (resume = resolve))
    this.#stalls.set(node, { over, resume, waiting: 0 })
  }

  /** What came meanwhile is dealt with now. */
  resume(node: number): void {
    this.#stalls.get(node)?.resume()
    this.#stalls.delete(node)
  }

  /** How many requests a stalled node has not dealt with. */
  waiting(node: number): number {
    return this.#stalls.get(node)?.waiting ?? 0
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Resolves when the node does something; at once, unless it is stalled. */
  async awake(node: number): Promise<void> {
    for (;;) {
      const stall = this.#stalls.get(node)
      if (!stall) return
      stall.waiting += 1
      await stall.over
    }
  }

  async close(): Promise<void> {
    for (const node of [0, 1]) this.resume(node)
    this.cut()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  #portOf(node: number): number {
    return this.#ports[node]!
  }

  #serve(socket: Socket, node: number): void {
    this.#sockets.add(socket)
    this.accepted += 1
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined)
    const frames = new FrameReader(100_000_000)
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
    this.onRequest(key)
    await this.awake(node)
    const flexible = version >= (FLEXIBLE_FROM[key] ?? Infinity)
    const body = new ByteReader(frame, head.at, flexible)
    body.tags()
    const writer = new ByteWriter(flexible)
    writer.int32(0).int32(correlationId)
    if (key !== API_VERSIONS) writer.noTags()
    const isAnswered = await this.#write(socket, { key, version, node, body, writer })
    if (isAnswered) send(socket, writer.finish())
  }

  async #write(socket: Socket, request: FakeRequest): Promise<boolean> {
    const { key, version, writer } = request
    if (key === API_VERSIONS) this.#writeVersions(writer)
    else if (key === METADATA) this.#writeMetadata(writer, version)
    else if (key === INIT_PRODUCER_ID) {
      this.identities += 1
      writer.int32(0).int16(0).int64(this.identities).int16(0).noTags()
    } else if (key === FIND_COORDINATOR) {
      const code = this.findCodes.shift() ?? 0
      const port = this.#portOf(this.coordinator)
      writer
        .int32(0)
        .int16(code)
        .string(null)
        .int32(this.coordinator)
        .string('127.0.0.1')
        .int32(port)
        .noTags()
    } else if (key === ADD_PARTITIONS) return this.#addPartitions(socket, request)
    else if (key === END_TXN) return this.#endTransaction(socket, request)
    else return this.#produce(socket, request)
    return true
  }

  #writeVersions(writer: ByteWriter): void {
    const entries = Object.entries(this.versions)
    writer.int16(0).array(entries.length)
    for (const [api, [min, max]] of entries) writer.int16(Number(api)).int16(min).int16(max)
  }

  #writeMetadata(writer: ByteWriter, version: number): void {
    this.metadataRequests += 1
    writer.int32(0).array(this.nodes.length)
    for (const node of this.nodes) {
      writer.int32(node).string('127.0.0.1').int32(this.#portOf(node)).string(null).noTags()
    }
    writer.string('cluster').int32(0).array(1)
    writer.int16(this.exists ? 0 : 3).string(this.topic)
    if (version >= 10) writer.raw(Buffer.alloc(16, 7))
    const partitions = this.exists ? this.partitions : []
    writer.boolean(false).array(partitions.length)
    partitions.forEach(({ leader, epoch }, partition) => {
      writer.int16(leader < 0 ? 5 : 0).int32(partition)
      writer.int32(leader).int32(epoch).array(0).array(0).array(0).noTags()
    })
    writer.int32(0).noTags()
    if (version <= 10) writer.int32(0)
    writer.noTags()
  }

  #addPartitions(socket: Socket, { node, body, writer }: FakeRequest): boolean {
    const owner = readOwner(body)
    const added: number[] = []
    for (let topics = body.array(); topics > 0; topics -= 1) {
      body.string()
      for (let left = body.array(); left > 0; left -= 1) added.push(body.int32())
      body.tags()
    }
    const code =
      node === this.coordinator
        ? (this.addCodes.shift() ?? this.transactions?.join(owner.epoch) ?? 0)
        : NOT_COORDINATOR
    this.told.push(`add ${added.join(' ')} as ${owner.name}: ${code}`)
    if (code === 0 || code === 'lose') for (const partition of added) this.#inTransaction.add(partition)
    if (code === 'lose') {
      socket.destroy()
      return false
    }
    writer.int32(0).array(1).string(this.topic).array(added.length)
    for (const partition of added) writer.int32(partition).int16(code).noTags()
    writer.noTags().noTags()
    return true
  }

  #endTransaction(socket: Socket, { node, body, writer }: FakeRequest): boolean {
    const owner = readOwner(body)
    const kind = body.boolean() ? 'commit' : 'abort'
    const code =
      node === this.coordinator
        ? (this.endCodes.shift() ?? this.transactions?.end(kind, owner.epoch) ?? 0)
        : NOT_COORDINATOR
    this.told.push(`${kind} as ${owner.name}: ${code}`)
    if (code === 0 || code === 'lose') this.#inTransaction.clear()
    if (code === 'lose') {
      socket.destroy()
      return false
    }
    writer.int32(0).int16(code).noTags()
    return true
  }

  async #produce(socket: Socket, { node, version, body, writer }: FakeRequest): Promise<boolean> {
    const request = readProduce(body, node, version)
    this.produces.push(request)
    const fate = await this.fate(request)
    if (fate === 'silence') return false
    const codes = request.parts.map((part, index) =>
      fate === 'drop' ? 0 : Array.isArray(fate) ? (fate as number[])[index]! : this.#append(part, request),
    )
    if (fate === 'lose' || fate === 'drop') {
      socket.destroy()
      return false
    }
    if (typeof fate === 'object' && 'bytes' in fate) {
      send(socket, Buffer.concat([writer.finish(), fate.bytes]))
      return false
    }
    writer.array(1).string(this.topic).array(request.parts.length)
    request.parts.forEach(({ partition }, index) => {
      writer.int32(partition).int16(codes[index]!).int64(0).int64(-1).int64(0)
      if (version >= 8) writer.array(0).string(null)
      writer.noTags()
    })
    writer.noTags().int32(0).noTags()
    return true
  }

  /** As a broker: nothing twice, nothing out of turn, nothing from an epoch that is over. */
  #append({ partition, batch }: FakeProduce['parts'][number], { node }: FakeProduce): number {
    const log = this.partitions[partition]
    if (!log || !this.exists) return 3
    if (log.leader !== node) return 6
    if (batch.bytes.length > this.batchBytesMax) return 10
    if (batch.isTransactional && !this.#inTransaction.has(partition)) return 48
    const code = this.transactions?.check(batch.epoch) ?? 0
    if (code !== 0) return code
    const own = log.batches.filter(({ producerId }) => producerId === batch.producerId)
    const last = own.at(-1)
    if (last && last.epoch > batch.epoch) return 47
    const twin = own.find(({ epoch, sequence }) => epoch === batch.epoch && sequence === batch.sequence)
    if (twin) return twin.bytes.equals(batch.bytes) ? 0 : 45
    const next = last && last.epoch === batch.epoch ? last.sequence + last.records.length : 0
    if (batch.sequence !== next) return 45
    log.batches.push(batch)
    this.transactions?.write(batch.records.map(({ value }) => String(value)))
    return 0
  }
}

interface Stall {
  readonly over: Promise<void>
  readonly resume: () => void
  waiting: number
}

interface FakeRequest {
  readonly key: number
  readonly version: number
  readonly node: number
  readonly body: ByteReader
  readonly writer: ByteWriter
}

function readOwner(body: ByteReader): { readonly name: string; readonly epoch: number } {
  const [transactionalId, producerId, epoch] = [body.string(), body.int64(), body.int16()]
  return { name: `${transactionalId} ${producerId}.${epoch}`, epoch }
}

function readProduce(body: ByteReader, node: number, version: number): FakeProduce {
  const transactionalId = body.nullableString()
  body.skip(2 + 4)
  const parts: FakeProduce['parts'][number][] = []
  for (let topics = body.array(); topics > 0; topics -= 1) {
    body.string()
    for (let left = body.array(); left > 0; left -= 1) {
      parts.push({ partition: body.int32(), batch: readBatch(Buffer.from(body.bytes())) })
      body.tags()
    }
    body.tags()
  }
  return { node, version, transactionalId, parts }
}

/** Only what is needed of it; the checksum is another test's. */
export function readBatch(bytes: Buffer): WrittenBatch {
  const header = new BatchHeader()
  if (!header.read(bytes, 0, bytes.length)) throw new Error('a batch is cut short')
  const decoder = new RecordDecoder(bytes)
  decoder.open(bytes, header)
  const records: RawRecord[] = []
  decoder.readInto(records, Infinity, 0)
  return {
    bytes,
    producerId: Number(bytes.readBigInt64BE(43)),
    epoch: bytes.readInt16BE(51),
    sequence: bytes.readInt32BE(53),
    isTransactional: header.isTransactional,
    records,
  }
}

function send(socket: Socket, response: Buffer): void {
  response.writeInt32BE(response.length - 4, 0)
  socket.write(response)
}
