/** Methods whose names have a capital inside. */
const METHODS = new Map(
  [
    'mapValues',
    'flatMap',
    'flatMapValues',
    'mapValuesAsync',
    'selectKey',
    'toStream',
    'leftJoin',
    'outerJoin',
    'forEach',
    'transformValues',
    'processValues',
  ].map(method => [method.toUpperCase(), method] as const),
)

/**
 * A node's name as people say it: generated ones are long and end in ten digits. Of
 * `KSTREAM-AGGREGATE-0000000004` it makes "aggregate 4"; names that somebody gave stay as they are.
 */
export function nodeLabel(name: string): string {
  const generated = /^K(STREAM|TABLE|GROUPED\w*)-(.+?)-(\d{10})(.*)$/.exec(name)
  if (!generated) return name
  const [, family, kind = '', digits = '', rest = ''] = generated
  const words = METHODS.get(kind) ?? kind.toLowerCase().replaceAll('-', ' ')
  return `${family === 'TABLE' && words === 'source' ? 'table' : words} ${Number(digits)}${rest}`
}

const STATES: Readonly<Record<string, 'good' | 'busy' | 'bad' | 'idle'>> = {
  running: 'good',
  starting: 'busy',
  restarting: 'busy',
  rebalancing: 'busy',
  restoring: 'busy',
  created: 'idle',
  pending_shutdown: 'idle',
  'pending-shutdown': 'idle',
  stopped: 'bad',
  closed: 'bad',
  error: 'bad',
  dead: 'bad',
  open: 'bad',
  replayed: 'good',
  purged: 'idle',
  corrected: 'good',
  parked: 'busy',
  behind: 'idle',
  paused: 'busy',
  ready: 'good',
}

/** How a state is coloured. */
export const tone = (state: string): 'good' | 'busy' | 'bad' | 'idle' => STATES[state.toLowerCase()] ?? 'idle'
