import { StreamsError } from '../common/errors/errors.ts'
import { StateMachine } from '../common/state-machine.ts'

/**
 * States of an application, as in Kafka Streams (KIP-696): `running` means that every task of this process
 * processes.
 */
export type StreamsState =
  'created' | 'rebalancing' | 'running' | 'pending-shutdown' | 'not-running' | 'pending-error' | 'error'

export function streamsStateMachine(): StateMachine<StreamsState> {
  return new StateMachine<StreamsState>('created', {
    created: ['rebalancing', 'pending-shutdown'],
    rebalancing: ['running', 'pending-shutdown', 'pending-error'],
    running: ['rebalancing', 'pending-shutdown', 'pending-error'],
    'pending-shutdown': ['not-running'],
    'not-running': [],
    'pending-error': ['error', 'pending-shutdown'],
    error: ['pending-shutdown', 'not-running'],
  })
}

/**
 * Resolves in state `running`. Rejects with the application's error in state `error`, and with `CLOSED` where
 * it closes before.
 */
export async function whenRunning(
  machine: StateMachine<StreamsState>,
  error: () => Error | undefined,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (machine.is('running')) resolve()
      else if (machine.is('error'))
        reject(error() ?? new StreamsError('FAILED', 'the application has failed'))
      else if (machine.is('not-running'))
        reject(new StreamsError('CLOSED', 'the application was closed before it was running'))
      else return
      stopLooking()
    }
    const stopLooking = machine.onChange(look)
    look()
  })
}
