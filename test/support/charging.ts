import { serdes, StreamsBuilder, type AsyncCall, type RetryOptions } from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** A provider that does what the test says, and notes each call. */
export class Provider {
  readonly calls: {
    readonly key: string
    readonly value: string
    readonly atMs: number
    readonly attempt: number
  }[] = []
  readonly effects: string[] = []
  nowMs: () => number = () => 0
  /** What calls wait for. */
  gate: Promise<void> = Promise.resolve()
  /** Throws for calls that fail. */
  judge: (key: string, value: string, attempt: number) => void = () => undefined

  readonly charge = async (value: string, key: string, { attempt }: AsyncCall): Promise<string> => {
    this.calls.push({ key, value, atMs: this.nowMs(), attempt })
    await this.gate
    this.judge(key, value, attempt)
    this.effects.push(`${key}=${value}`)
    return `${value}!`
  }

  timesOf(key: string): number[] {
    return this.calls.filter(call => call.key === key).map(({ atMs }) => atMs)
  }
}

export function runCharge(
  retry: RetryOptions,
  options: { readonly concurrency?: number; readonly timeoutMs?: number } = {},
) {
  const provider = new Provider()
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', strings)
    .mapValuesAsync(provider.charge, { name: 'charge', retry, ...options })
    .to('out', strings)
  const driver = new TopologyTestDriver(builder.build())
  provider.nowMs = () => driver.wallClockMs
  const input = driver.createInputTopic('in', strings)
  const output = driver.createOutputTopic('out', strings)
  return {
    provider,
    driver,
    input,
    output: () => output.readKeyValues().map(([key, value]) => `${key}=${value}`),
  }
}
