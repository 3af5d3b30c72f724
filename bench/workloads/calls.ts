import { exponentialBackoff, serdes, StreamsBuilder, type RetryOptions } from '../../lib/index.ts'
import { createTopics, loadInput } from '../input.ts'
import { eachRecord, ResultHash } from '../output.ts'
import { timeToProcess } from '../run-application.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'
import { inputHash } from './pass-through.ts'

export const calls = callsWorkload(
  'calls',
  'How many asynchronous calls a second are made that end at once, 256 at a time?',
  undefined,
)

export const retry = callsWorkload('retry', 'How many, with `retry`, where none fails?', {
  backoff: exponentialBackoff({ firstMs: 1_000 }),
  giveUpAfterMs: 3_600_000,
})

function callsWorkload(name: string, question: string, policy: RetryOptions | undefined): Workload {
  return {
    name,
    question,
    records: 500_000,
    smallRecords: 20_000,
    async run(options: BenchOptions): Promise<Measured> {
      const { broker, records, named } = options
      const [input, output] = [named(`${name}-in`), named(`${name}-out`)]
      await loadInput(broker, input, records)
      await createTopics(broker, [output])
      const builder = new StreamsBuilder()
      const bytes = { keySerde: serdes.bytes(), valueSerde: serdes.bytes() }
      let done = 0
      builder
        .stream(input, bytes)
        .mapValuesAsync(value => Promise.resolve(value), {
          name: 'call',
          concurrency: 256,
          ...bytes,
          ...(policy && { retry: policy }),
        })
        .peek(() => (done += 1))
        .to(output, bytes)
      const span = await timeToProcess(builder.build(), records, options, {}, () => done)
      const hash = new ResultHash()
      await eachRecord(broker, output, ({ key, value }) => hash.add(key!, value!))
      return { records, ...span, hash: hash.toString(), expected: inputHash(records) }
    },
  }
}
