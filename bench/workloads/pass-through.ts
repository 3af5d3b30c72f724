import { Buffer } from 'node:buffer'
import { serdes, StreamsBuilder } from '../../lib/index.ts'
import { createTopics, inputKey, inputValue, loadInput } from '../input.ts'
import { eachRecord, ResultHash } from '../output.ts'
import { timeToProcess } from '../run-application.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'

export const passThrough: Workload = {
  name: 'pass-through',
  question: 'How many records a second go from a topic to a topic, untouched?',
  records: 2_000_000,
  smallRecords: 50_000,
  async run(options: BenchOptions): Promise<Measured> {
    const { broker, records, named } = options
    const [input, output] = [named('pass-through-in'), named('pass-through-out')]
    await loadInput(broker, input, records)
    await createTopics(broker, [output])
    const builder = new StreamsBuilder()
    const bytes = { keySerde: serdes.bytes(), valueSerde: serdes.bytes() }
    builder.stream(input, bytes).to(output, bytes)
    const span = await timeToProcess(builder.build(), records, options)
    const hash = new ResultHash()
    await eachRecord(broker, output, ({ key, value }) => hash.add(key!, value!))
    return { records, ...span, hash: hash.toString(), expected: inputHash(records) }
  },
}

/** Of what comes out where everything is passed on. */
export function inputHash(records: number): string {
  const hash = new ResultHash()
  for (let at = 0; at < records; at += 1) hash.add(Buffer.from(inputKey(at)), Buffer.from(inputValue(at)))
  return hash.toString()
}
