import { it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

/** Its wall clock is set back by an hour every time somebody looks. */
function clockSetBack(): Clock {
  let nowMs = systemClock.nowMs()
  return { ...systemClock, nowMs: () => (nowMs -= 3_600_000) }
}

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

it('a wall clock that is set back holds up no punctuator, no result of a window, and no task that idles', async () => {
  const ticks: number[] = []
  const ticking = (): Processor<string, string> => ({
    init: context =>
      void context.schedule({ type: 'wall-clock-time', intervalMs: 10 }, timeMs => ticks.push(timeMs)),
    process: () => undefined,
  })
  const builder = new StreamsBuilder()
  // While one of the topics stays empty, records of the other one wait for `maxTaskIdleMs`.
  const input = builder.stream<string, string>(['in', 'empty'], text)
  input.process(ticking)
  input.to('merged', text)
  input
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 }))
    .emitStrategy('on-window-close')
    .count({ retentionMs: 3_600_000 })
    .toStream()
    .to('closed', { keySerde: serdes.windowed(serdes.string(), 10), valueSerde: serdes.int64() })
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, empty: 1, merged: 1, closed: 1 })
  const streams = new KafkaStreams(
    builder.build(),
    {
      applicationId: 'set-back',
      stateDir: await temporaryDirectory(),
      commitIntervalMs: 10,
      maxTaskIdleMs: 20,
      emitIntervalMs: 20,
    },
    { broker, clock: clockSetBack(), logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  await eventually(() => ticks.length >= 10, { what: 'ten ticks' })
  let sent = 0
  await eventually(
    async () => {
      await produce(broker, 'in', 1, [['a', 'x', 1_000 + 10 * sent]])
      sent += 1
      const counts = await Promise.all(['closed', 'merged'].map(topic => readAll(broker, topic)))
      return counts.every(({ length }) => length > 2)
    },
    { what: 'windows that closed' },
  )
})
