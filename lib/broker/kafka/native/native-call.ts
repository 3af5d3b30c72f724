import { BrokerError } from '../../broker-error.ts'
import { brokerErrorFrom, isNativeError } from './classify-error.ts'
import type { NativeCallback } from './native-client.ts'

/** A native call as a promise, which rejects with a `BrokerError`. `doing` completes "while …". */
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
 * Any error of the native client as a `BrokerError`. Some have no code: a closed client, a wrong argument.
 */
export function asBrokerError(reason: unknown, doing: string): BrokerError {
  if (reason instanceof BrokerError) return reason
  if (isNativeError(reason)) return brokerErrorFrom(reason, doing)
  const text = reason instanceof Error ? reason.message : String(reason)
  return new BrokerError('KAFKA_CLIENT_REFUSED', 'fatal', `${text} while ${doing}`, { cause: reason })
}
