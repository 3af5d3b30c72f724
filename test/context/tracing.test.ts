import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixedBackoff } from '../../lib/common/backoff.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { registeredTracer } from '../../lib/streams/open-telemetry.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = { key: 'traceparent', value: utf8(`00-${TRACE}-b7ad6b7169203331-01`) }

const exporter = new InMemorySpanExporter()

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
})

afterEach(() => {
  exporter.reset()
  for (const api of [trace, propagation, context]) api.disable()
})

/** Feeds two records of one trace; returns the spans, and the parents that the outputs name. */
async function spansOf(
  build: (builder: StreamsBuilder) => void,
  config: Partial<StreamsConfig> = {},
): Promise<{ readonly spans: readonly ReadableSpan[]; readonly outputs: readonly string[] }> {
  const builder = new StreamsBuilder()
  build(builder)
  const driver = new TopologyTestDriver(builder.build(), { config })
  const input = driver.createInputTopic<string, string>('in', TEXT)
  input.pipeInput('a', '1', { headers: [PARENT] })
  await driver.advance(1_000)
  const outputs = driver
    .producedRecords('out')
    .map(({ headers }) => utf8Text(headers.find(({ key }) => key === 'traceparent')!.value!))
  driver.close()
  return { spans: exporter.getFinishedSpans(), outputs }
}

describe('spans, where the program has registered a provider', () => {
  it('one for a record, below that of its headers, and named by its outputs', async () => {
    let active: string | undefined
    const { spans, outputs } = await spansOf(builder =>
      builder
        .stream<string, string>('in', TEXT)
        .peek(() => (active = trace.getActiveSpan()?.spanContext().spanId))
        .to('out', TEXT),
    )
    expect(spans).toHaveLength(1)
    const [span] = spans
    expect(span).toMatchObject({ name: 'process in', kind: SpanKind.CONSUMER })
    expect(span!.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: 'b7ad6b7169203331' })
    expect(span!.attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.destination.name': 'in',
      'messaging.kafka.offset': 0,
    })
    const { spanId } = span!.spanContext()
    expect(active).toBe(spanId)
    expect(outputs).toEqual([`00-${TRACE}-${spanId}-01`])
  })

  it('one for each call, and the next topic is below the record that led to it', async () => {
    const { spans, outputs } = await spansOf(builder =>
      builder
        .stream<string, string>('in', TEXT)
        .mapValuesAsync(
          async (value, _key, { attempt, headers }) => {
            await Promise.resolve()
            // A request that the call makes belongs to the span of the call.
            const own = trace.getActiveSpan()!.spanContext().spanId
            expect(utf8Text(headers.last('traceparent')!.value!)).toContain(own)
            if (attempt === 1) throw new Error('not yet')
            return value
          },
          { name: 'charge', retry: { attempts: 2, backoff: fixedBackoff({ delayMs: 10 }) } },
        )
        .to('out', TEXT),
    )
    expect(spans.map(({ name }) => name)).toEqual(['process in', 'call charge', 'call charge'])
    const [record, first, second] = spans
    const { spanId } = record!.spanContext()
    for (const call of [first, second]) expect(call!.parentSpanContext?.spanId).toBe(spanId)
    expect([first, second].map(call => call!.attributes['millrace.attempt'])).toEqual([1, 2])
    expect([first, second].map(call => call!.status.code)).toEqual([
      SpanStatusCode.ERROR,
      SpanStatusCode.UNSET,
    ])
    expect(outputs).toEqual([`00-${TRACE}-${spanId}-01`])
  })

  it('what a propagator throws changes nothing for the record', async () => {
    propagation.disable()
    propagation.setGlobalPropagator({
      inject: () => {
        throw new Error('broken')
      },
      extract: parent => parent,
      fields: () => [],
    })
    const { spans, outputs } = await spansOf(builder =>
      builder.stream<string, string>('in', TEXT).to('out', TEXT),
    )
    expect(spans).toHaveLength(1)
    expect(outputs).toEqual([utf8Text(PARENT.value)])
  })

  it('none with tracing off, and none without a provider', async () => {
    const plain = (builder: StreamsBuilder) => void builder.stream<string, string>('in', TEXT).to('out', TEXT)
    expect((await spansOf(plain, { tracing: 'off' })).spans).toEqual([])
    trace.disable()
    expect((await spansOf(plain)).spans).toEqual([])
    expect(registeredTracer('auto', silentLogger)).toBeUndefined()
  })
})
