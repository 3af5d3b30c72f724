import { StateMachine } from '../common/state-machine.ts'

/** As in the JVM original (KIP-696): `running` means that every task of this process processes. */
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
