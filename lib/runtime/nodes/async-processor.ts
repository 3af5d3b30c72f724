import type { AsyncCallbackError } from '../../common/errors/errors.ts'
import { isPromise, refusedPromise } from '../../common/promises.ts'

/**
 * Advice where synchronous user code returned a promise: for the methods of a processor, and for callbacks.
 */
const ADVICE = {
  process:
    'its outputs and state belong to one record and one transaction. Put what takes time into processAsync, mapValuesAsync or ' +
    'flatMapValuesAsync, before or after this node',
  punctuator:
    'forward a record instead, and let processAsync, mapValuesAsync or flatMapValuesAsync do below what takes time',
  'handler of timers':
    'forward a record instead, and let processAsync, mapValuesAsync or flatMapValuesAsync do below what takes time',
  init: 'have ready what it needs before the application starts',
  close: 'end what takes time after the application has closed',
  supplier: 'make processors with `new`, and have ready what they need before the application starts',
} as const

const METHODS: { readonly [code in ProcessorCode]?: true } = { process: true, init: true, close: true }

export type ProcessorCode = keyof typeof ADVICE

/** Throws where user code of a node returned a promise, though it is typed to return nothing. */
export function refuseAsync(result: unknown, nodeName: string, code: ProcessorCode): void {
  if (isPromise(result)) throw asyncProcessor(result, nodeName, code)
}

export function asyncProcessor(
  promise: PromiseLike<unknown>,
  nodeName: string,
  code: ProcessorCode,
): AsyncCallbackError {
  const what = code in METHODS ? `${code}()` : `its ${code}`
  return refusedPromise(promise, {
    code: 'ASYNC_PROCESSOR',
    who: `processor "${nodeName}": ${what} returned`,
    advice: ADVICE[code],
  })
}
