import { expect, it, onTestFinished } from 'vitest'
import { CliProcess, directoryWith } from '../cli/cli-process.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { produce } from '../support/topics.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')

const FILE = `import { serdes, StreamsBuilder } from 'millrace'
export default (settings: { readonly [name: string]: string }) => {
  const builder = new StreamsBuilder()
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  builder.stream(settings['from']!, { ...text, name: 'from' }).groupByKey().count({ storeName: 'counts' })
  return builder.build()
}
`
const PARTITIONS = 2

interface Process {
  readonly pid: number | null
  readonly state: string
  readonly restarts: number
}

interface Live {
  readonly state: string
  readonly nodes: { readonly [name: string]: { readonly processTotal: number } }
}

async function start() {
  const { broker, applicationId, prefix } = await KafkaStage.open(brokers, 'console')
  const from = `${prefix}from`
  const directory = await directoryWith({ 'count.ts': FILE })
  const topics = ['--create-topics', '--partitions', `${PARTITIONS}`, '--set', `from=${from}`]
  const options = ['--console', '--console-faults', '--processes', '2', '--application-id', applicationId]
  const run = ['run', 'count.ts', '--brokers', brokers, ...topics, ...options]
  const program = await CliProcess.start(run, { directory })
  onTestFinished(async () => void (await program.stop()))
  const url = await eventually(() => /the console is on (http:\S+)/.exec(program.stderr)?.[1])
  const get = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T
  const processes = async () => (await get<{ readonly processes: readonly Process[] }>('/api/site')).processes
  const send = (keys: readonly string[]) =>
    produce(
      broker,
      from,
      PARTITIONS,
      keys.map(key => [key, 'x']),
    )
  return { url, applicationId, processes, send, running: () => allRun(processes) }
}

function allRun(processes: () => Promise<readonly Process[]>): Promise<readonly Process[]> {
  return eventually(async () => {
    const found = await processes()
    return found.length === 2 && found.every(({ state }) => state === 'running') && found
  })
}

/** Resolves with the first live reading that is as wanted. */
async function liveUntil(url: string, id: string, isWanted: (live: Live) => boolean): Promise<Live> {
  const cut = new AbortController()
  const answer = await fetch(`${url}/api/apps/${id}/live`, { signal: cut.signal })
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of answer.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      for (const [, data] of text.matchAll(/event: live\ndata: (.*)\n\n/g)) {
        const live = JSON.parse(data!) as Live
        if (isWanted(live)) return live
      }
    }
  } finally {
    cut.abort()
  }
  throw new Error(`the stream of live data ended before the reading came: ${text.slice(-500)}`)
}

await suite('the console on Kafka', () => {
  it('lists both processes, has live data, and has both again after the first one was killed', async () => {
    const { url, applicationId, processes, send, running } = await start()
    const before = await running()
    const keys = Array.from({ length: 40 }, (_, at) => `k${at}`)
    const sending = send(keys)
    await liveUntil(url, applicationId, live => (live.nodes['from']?.processTotal ?? 0) > 0)
    await sending
    const body = JSON.stringify({ process: 0 })
    expect((await fetch(`${url}/api/break/kill`, { method: 'POST', body })).status).toBe(202)
    await eventually(async () => (await processes())[0]?.restarts === 1)
    const after = await running()
    expect(after[0]?.pid).not.toBe(before[0]?.pid)
    expect(after[1]).toMatchObject({ pid: before[1]?.pid, restarts: 0 })
    await eventually(async () => (await fetch(`${url}/healthz`)).ok)
    const live = await liveUntil(url, applicationId, ({ state }) => state === 'running')
    expect(live.nodes['from']).toBeDefined()
  }, 180_000)
})
