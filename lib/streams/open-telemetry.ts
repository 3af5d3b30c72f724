import type * as OpenTelemetry from '@opentelemetry/api'
import { utf8, utf8Text } from '../common/bytes.ts'
import { errorFrom } from '../common/errors/errors.ts'
import type { Header } from '../common/headers.ts'
import { latePackage } from '../common/late-package.ts'
import type { Logger } from '../common/logger.ts'
import type { TracedOperation, Tracer } from '../common/context/tracer.ts'

type Api = typeof OpenTelemetry

const api = latePackage<Api>('@opentelemetry/api')

/** Where version 1 of the API keeps what the program has registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

/** The tracer of the program; undefined where it has registered no provider, which costs nothing. */
export function registeredTracer(tracing: 'auto' | 'off', logger: Logger): Tracer | undefined {
  if (tracing === 'off') return undefined
  const registered = (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED]
  if (registered?.trace === undefined) return undefined
  try {
    return new OpenTelemetryTracer(api())
  } catch (error) {
    logger.log('warn', 'no spans: a tracer provider is registered, but @opentelemetry/api cannot be loaded', {
      error,
      advice: 'install @opentelemetry/api beside millrace, or set tracing: "off"',
    })
    return undefined
  }
}

/**
 * Spans by the semantic conventions for messaging of OpenTelemetry: one for each record that goes through a
 * task (`process <topic>`, of kind consumer), and one for each call of an asynchronous operator
 * (`call <operator>`, of kind client). Their parent is what the record's headers say, by the propagators that
 * the program has registered.
 */
class OpenTelemetryTracer implements Tracer {
  readonly #api: Api
  readonly #tracer: OpenTelemetry.Tracer

  constructor(loaded: Api) {
    this.#api = loaded
    this.#tracer = loaded.trace.getTracer('millrace')
  }

  trace<T>(operation: TracedOperation, work: (headers: readonly Header[]) => T): T {
    const { context, trace } = this.#api
    const { headers } = operation.context
    const begun = quietly(() => this.#begin(operation))
    if (!begun) return work(headers)
    const { span, surrounding } = begun
    const within = trace.setSpan(surrounding, span)
    try {
      const next = quietly(() => this.#injected(headers, within)) ?? headers
      const result = context.with(within, () => work(next))
      if (isPromiseLike(result)) this.#endWith(span, result)
      else span.end()
      return result
    } catch (error) {
      this.#fail(span, error)
      throw error
    }
  }

  #begin(operation: TracedOperation): {
    readonly span: OpenTelemetry.Span
    readonly surrounding: OpenTelemetry.Context
  } {
    const { SpanKind, ROOT_CONTEXT, propagation } = this.#api
    const { kind, name, context } = operation
    const surrounding = propagation.extract(ROOT_CONTEXT, context.headers, GETTER)
    const options = {
      kind: kind === 'process' ? SpanKind.CONSUMER : SpanKind.CLIENT,
      attributes: attributesOf(operation),
    }
    return { span: this.#tracer.startSpan(`${kind} ${name}`, options, surrounding), surrounding }
  }

  /** The headers with the span in the place of its parent. */
  #injected(headers: readonly Header[], within: OpenTelemetry.Context): readonly Header[] {
    const carrier = new Map<string, string>()
    this.#api.propagation.inject(within, carrier, SETTER)
    if (carrier.size === 0) return headers
    const others = headers.filter(({ key }) => !carrier.has(key))
    return [...others, ...Array.from(carrier, ([key, value]) => ({ key, value: utf8(value) }))]
  }

  #endWith(span: OpenTelemetry.Span, result: PromiseLike<unknown>): void {
    result.then(
      () => span.end(),
      (reason: unknown) => this.#fail(span, reason),
    )
  }

  #fail(span: OpenTelemetry.Span, reason: unknown): void {
    const error = errorFrom(reason)
    span.recordException(error)
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.message })
    span.end()
  }
}

function attributesOf(operation: TracedOperation): OpenTelemetry.Attributes {
  const { kind, applicationId, taskId, attempt, context } = operation
  const { topic, partition, offset } = context
  return {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'process',
    'messaging.operation.name': kind,
    'messaging.consumer.group.name': applicationId,
    'millrace.task.id': taskId,
    ...(topic !== undefined && {
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': offset,
    }),
    ...(attempt !== undefined && { 'millrace.attempt': attempt }),
  }
}

const GETTER: OpenTelemetry.TextMapGetter<readonly Header[]> = {
  get(headers, name) {
    const value = headers.findLast(({ key }) => key === name)?.value
    return value ? utf8Text(value) : undefined
  },
  keys: headers => headers.map(({ key }) => key),
}

const SETTER: OpenTelemetry.TextMapSetter<Map<string, string>> = {
  set: (carrier, name, value) => carrier.set(name, value),
}

/** What a propagator or an exporter of the program's throws is no reason to stop a record. */
function quietly<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}
