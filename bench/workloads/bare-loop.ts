import { runBareLoop } from '../bare-loop.ts'
import { createTopics, loadInput } from '../input.ts'
import { eachRecord, ResultHash } from '../output.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'
import { inputHash } from './pass-through.ts'

export const bareLoop: Workload = {
  name: 'bare-loop',
  question: 'How many records a second does a consume → produce loop on the bare Kafka client pass on?',
  records: 2_000_000,
  smallRecords: 50_000,
  needsKafka: true,
  async run({ broker, records, guarantee, named }: BenchOptions): Promise<Measured> {
    const [input, output] = [named('bare-loop-in'), named('bare-loop-out')]
    await loadInput(broker, input, records)
    await createTopics(broker, [output])
    const exactlyOnce = guarantee === 'exactly-once'
    const id = named('bare-loop')
    const span = await runBareLoop({ brokers: broker.name, input, output, records, id, exactlyOnce })
    const hash = new ResultHash()
    await eachRecord(broker, output, ({ key, value }) => hash.add(key!, value!))
    return { records, ...span, hash: hash.toString(), expected: inputHash(records) }
  },
}
