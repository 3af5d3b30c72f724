import { ConfigError } from '../common/errors/errors.ts'

/** A timeout, and the name of its setting. `Infinity` is no limit. */
export interface Timeout {
  readonly setting: string
  readonly ms: number
}

/** The timeouts that have to keep an order. A caller gives those that it knows. */
export interface Timeouts {
  /** How long an answer of a broker is waited for. */
  readonly request?: Timeout
  /** How long a broker may wait for the replicas before it answers. */
  readonly replication?: Timeout
  /** How long records wait for others in their batch. */
  readonly linger?: Timeout
  /** How long records are tried before they are given up. */
  readonly delivery?: Timeout
  /** How long a transaction may take before the broker aborts it. */
  readonly transaction?: Timeout
  /** The interval of commits. */
  readonly commitInterval?: Timeout
  readonly heartbeat?: Timeout
  /** How long a member may be without a heartbeat before the group removes it. */
  readonly session?: Timeout
  /** How long a member may be without a poll before it leaves its group. */
  readonly pollInterval?: Timeout
}

interface Order {
  /** Timeouts whose sum has to be shorter. */
  readonly shorter: readonly (keyof Timeouts)[]
  /** How often the sum has to fit. */
  readonly times?: number
  readonly longer: keyof Timeouts
  readonly mayBeEqual: boolean
  /** What happens where the order is not kept. */
  readonly otherwise: string
}

/** How many heartbeats a session lasts at least, as Kafka advises: two may be lost. */
const HEARTBEATS_PER_SESSION = 3

/** The orders of timeouts, by which the application's settings and those of the Kafka client are checked. */
const ORDERS: readonly Order[] = [
  {
    shorter: ['request'],
    longer: 'delivery',
    mayBeEqual: false,
    otherwise: 'records would be given up before the answer to their first request is',
  },
  {
    // A Produce request is waited for this long, after the broker's wait for the replicas.
    shorter: ['request', 'replication'],
    longer: 'delivery',
    mayBeEqual: true,
    otherwise: 'a single request could outlast the records in it',
  },
  {
    shorter: ['linger'],
    longer: 'delivery',
    mayBeEqual: false,
    otherwise: 'records would be given up before they are sent',
  },
  {
    shorter: ['delivery'],
    longer: 'transaction',
    mayBeEqual: true,
    otherwise: 'the broker would abort a transaction while its records are still being sent',
  },
  {
    shorter: ['commitInterval'],
    longer: 'transaction',
    mayBeEqual: false,
    otherwise: 'the broker would abort every transaction before its commit',
  },
  {
    shorter: ['heartbeat'],
    times: HEARTBEATS_PER_SESSION,
    longer: 'session',
    mayBeEqual: true,
    otherwise: 'a lost heartbeat would cost the member its partitions',
  },
  {
    shorter: ['session'],
    longer: 'pollInterval',
    mayBeEqual: true,
    otherwise: 'a member would leave its group before the group could miss it',
  },
]

/**
 * Throws a `ConfigError` (`CONFLICTING_SETTINGS`) that names the settings, their values and what to change.
 */
export function checkTimeouts(timeouts: Timeouts): void {
  for (const order of ORDERS) {
    const longer = timeouts[order.longer]
    const shorter = order.shorter.flatMap(name => timeouts[name] ?? [])
    if (!longer || shorter.length < order.shorter.length) continue
    if (!holds(order, shorter, longer)) throw conflict(order, shorter, longer)
  }
}

/** The longest interval of heartbeats that a session allows. */
export function heartbeatMsMax(sessionMs: number): number {
  return Math.max(1, Math.floor(sessionMs / HEARTBEATS_PER_SESSION))
}

function holds({ times = 1, mayBeEqual }: Order, shorter: readonly Timeout[], longer: Timeout): boolean {
  const ms = shorter.reduce((sum, each) => sum + each.ms, 0) * times
  return mayBeEqual ? ms <= longer.ms : ms < longer.ms
}

function conflict(
  { times = 1, mayBeEqual, otherwise }: Order,
  shorter: readonly Timeout[],
  longer: Timeout,
): ConfigError {
  const names = shorter.map(({ setting }) => setting).join(' and ')
  const subject = times === 1 ? names : `${times} times ${names}`
  const together = shorter.length > 1 ? ' together' : ''
  const relation = mayBeEqual ? 'at most' : 'less than'
  return new ConfigError(
    'CONFLICTING_SETTINGS',
    `${[...shorter, longer].map(show).join(', ')}: ${otherwise}. ${subject}${together} must be ${relation} ` +
      `${longer.setting}: lower the one or raise the other`,
  )
}

function show({ setting, ms }: Timeout): string {
  return `${setting} is ${ms === Infinity ? 'without limit' : `${ms} ms`}`
}
