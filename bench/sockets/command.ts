import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { arch, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import {
  KafkaStreams,
  openBroker,
  serdes,
  silentLogger,
  StreamsBuilder,
  systemClock,
} from '../../lib/index.ts'
import { acceptUpgrades, BACKLOG, pushHub, type PushHub } from '../../lib/push.ts'
import { createTopics, loadInput } from '../input.ts'
import { positive } from '../option-values.ts'
import { openSockets, type Opened } from './clients.ts'

const run = promisify(execFile)
const CHANNEL = 'c1'

interface Options {
  readonly sockets: number
  readonly records: number
  readonly rounds: number
  readonly plain?: boolean
  readonly small?: boolean
  readonly json?: string
  readonly url?: string
}

interface Round {
  readonly sockets: number
  readonly openP50Ms: number
  readonly openP99Ms: number
  readonly eventP99Ms: number
  readonly failed: number
  /** Records a second of the task, while nobody connected and while these did. */
  readonly quietRate: number
  readonly rate: number
}

/** How long browsers wait for their sockets beside a busy task of the same process. */
export function socketsCommand(): Command {
  return new Command('sockets')
    .description('Opens many WebSockets at once on a process whose task is busy.')
    .option('--sockets <n>', 'how many, at once', positive, 1_000)
    .option('--records <n>', 'records that the task works through meanwhile', positive, 1_500_000)
    .option('--rounds <n>', 'how often', positive, 3)
    .option('--plain', 'leaves new connections no turns of their own: for comparison')
    .option('--small', 'a few: does it run?')
    .option('--json <file>', 'writes the figures there')
    .option('--url <url>', 'the clients of a measurement, in a process of their own')
    .action(measure)
}

async function measure(options: Options): Promise<void> {
  const { url, sockets, json } = options
  if (url !== undefined) {
    process.stdout.write(JSON.stringify(await openSockets(url, sockets)))
    return
  }
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model ?? arch()}, Node ${process.version}\n`)
  const small = { ...options, sockets: 20, records: 100_000, rounds: 1 }
  const rounds = await measureAll(options.small ? small : options)
  for (const round of rounds) process.stdout.write(`${line(round)}\n`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(rounds, undefined, 2)}\n`)
  if (rounds.some(({ failed }) => failed > 0)) process.exitCode = 1
}

async function measureAll({ sockets, records, rounds, plain = false }: Options): Promise<Round[]> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-sockets-'))
  const broker = await openBroker('memory')
  try {
    await loadInput(broker, 'in', records)
    await createTopics(broker, ['told'])
    const config = { applicationId: 'bench', commitIntervalMs: 100, stateDir: directory }
    const streams = new KafkaStreams(topology(), config, { broker, logger: silentLogger })
    const hub = pushHub(streams, { name: 'push', secret: 'secret of the bench', logger: silentLogger })
    const told = await broker.producer({ clientId: 'teller' })
    const bytes = (text: string) => new TextEncoder().encode(text)
    told.send({
      ...{ topic: 'told', partition: 0, key: bytes(CHANNEL), value: bytes('{}') },
      ...{ timestamp: systemClock.nowMs(), headers: [] },
    })
    await told.flush()
    await told.close()
    const server = await listen(hub, plain)
    await streams.start()
    const measured: Round[] = []
    for (let round = 0; round < rounds; round += 1)
      measured.push(await oneRound({ streams, hub, server }, sockets))
    await hub.close()
    server.close()
    await streams.close({ timeoutMs: 0 })
    return measured
  } finally {
    await broker.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** A task that counts by key, with its state on disk, and one that pushes. */
function topology() {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { keySerde: serdes.string(), valueSerde: serdes.bytes() })
    .groupByKey()
    .count({ storeName: 'counts' })
  builder
    .stream<string, object>('told', { keySerde: serdes.string(), valueSerde: serdes.json<object>() })
    .toChannels({ name: 'push', terminal: () => true })
  return builder.build()
}

async function listen(hub: PushHub, plain: boolean): Promise<Server> {
  const server = createServer()
  if (plain) server.on('upgrade', (request, socket, head) => void hub.upgrade(request, socket, head))
  else acceptUpgrades(server, [hub])
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, resolve))
  return server
}

async function oneRound(
  { streams, hub, server }: { streams: KafkaStreams; hub: PushHub; server: Server },
  sockets: number,
): Promise<Round> {
  const rateOf = async (work: () => Promise<unknown>) => {
    const before = streams.metrics.total('process-total')
    const startMs = systemClock.monotonicMs()
    await work()
    const seconds = (systemClock.monotonicMs() - startMs) / 1_000
    return (streams.metrics.total('process-total') - before) / seconds
  }
  const { port } = server.address() as AddressInfo
  const query = new URLSearchParams({ channel: CHANNEL, token: hub.channelToken(CHANNEL) })
  const quietRate = await rateOf(() => systemClock.sleep(500))
  let opened!: Opened
  const rate = await rateOf(async () => {
    opened = await inProcess(`ws://127.0.0.1:${port}/push/events?${query}`, sockets)
  })
  const at = (values: readonly number[], share: number) =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
  return {
    sockets,
    openP50Ms: at(opened.openMs, 0.5),
    openP99Ms: at(opened.openMs, 0.99),
    eventP99Ms: at(opened.eventMs, 0.99),
    failed: opened.failed,
    quietRate,
    rate,
  }
}

async function inProcess(url: string, sockets: number): Promise<Opened> {
  const script = process.argv[1] ?? ''
  const args = [...process.execArgv, script, 'sockets', '--url', url, '--sockets', String(sockets)]
  const { stdout } = await run(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout) as Opened
}

function line(round: Round): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`
  const rate = (value: number) => Math.round(value).toLocaleString('en')
  return (
    `${round.sockets} sockets: open p50 ${ms(round.openP50Ms)}, p99 ${ms(round.openP99Ms)}, first event p99 ${ms(round.eventP99Ms)}, ` +
    `${round.failed} failed; records/s ${rate(round.quietRate)} before, ${rate(round.rate)} meanwhile`
  )
}
