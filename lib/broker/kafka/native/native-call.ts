import { BrokerError } from '../../broker-error.ts'
import { brokerErrorFrom, isNativeError } from './classify-error.ts'
import type { NativeCallback } from './native-client.ts'

/** One call with a callback, as a promise that rejects with a `BrokerError`. `doing` completes "while …". */
export function nativeCall<T>(doing: string, start: (callback: NativeCallback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      start((error, result) => (error ? reject(asBrokerError(error, doing)) : resolve(result)))
    } catch (reason) {
      reject(asBrokerError(reason, doing))
    }
  })
}

/**
 * The client also throws plain errors without a code: "disconnected", or a type of argument that it does not
 * take.
 */
export function asBrokerError(reason: unknown, doing: string): BrokerError {
  if (reason instanceof BrokerError) return reason
  if (isNativeError(reason)) return brokerErrorFrom(reason, doing)
  const text = reason instanceof Error ? reason.message : String(reason)
  return new BrokerError('KAFKA_CLIENT_REFUSED', 'fatal', `${text} while ${doing}`, { cause: reason })
}
