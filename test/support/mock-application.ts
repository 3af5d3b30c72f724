import type { ServerResponse } from 'node:http'
import { eventText, json, startEvents } from './mock-console.ts'
import { MOCK_LETTERS, MOCK_PLAN, mockLive, mockRecords, MOCK_SCHEDULES, MOCK_TOPICS } from './mock-data.ts'

interface Asked {
  readonly params: URLSearchParams
  readonly body: unknown
  readonly response: ServerResponse
}

const BROKEN = {
  lost: 3,
  repeated: 0,
  examples: { lost: ['order-17', 'order-18', 'order-90'], repeated: [] },
}
const GOOD = { lost: 0, repeated: 0, examples: { lost: [], repeated: [] } }

/** An application that is none: orders in, revenue a minute out. */
export class MockApplication {
  readonly applicationId: string
  readonly streams = new Set<ServerResponse>()
  /** Whether a task is being restored. */
  isRestoring = false
  hasLost = false
  #letters = [...MOCK_LETTERS]
  #seconds = 0

  constructor({ applicationId = 'orders' }: { readonly applicationId?: string } = {}) {
    this.applicationId = applicationId
  }

  summary(isAway: boolean): object {
    const { applicationId } = this
    return {
      applicationId,
      title: 'Orders',
      description: 'Turns orders into revenue per minute, and charges each order once.',
      problem: [
        'A shop that retries charges its customers twice.',
        'A shop that does not loses orders.',
        'Exactly-once commits let it do neither.',
      ],
      room: `rooms/${applicationId}/`,
      state: isAway ? 'restarting' : 'running',
      processes: 1,
    }
  }

  answer(path: string, asked: Asked): void {
    const { response, params } = asked
    if (path === 'plan') return json(response, { ...MOCK_PLAN, applicationId: this.applicationId })
    if (path === 'live') return this.#live(response)
    if (path === 'history') return json(response, history())
    if (path === 'audits') return json(response, { audits: [this.#audit()] })
    if (path === 'schedules') return json(response, { schedules: MOCK_SCHEDULES })
    if (path === 'control') return json(response, { targets: ['charge'], commands: COMMANDS, events: [] })
    if (path === 'waiting') return json(response, { waiting: WAITING })
    if (path.startsWith('letters')) return this.#answerLetters(path, asked)
    if (path.startsWith('stores')) return answerStores(path, params, response)
    return json(response, {})
  }

  answerBroker(path: string, params: URLSearchParams, response: ServerResponse): void {
    if (path === '/api/broker/topics') return json(response, { topics: MOCK_TOPICS })
    if (path.endsWith('/records')) return json(response, mockRecords(params))
    startEvents(response)
    response.write(eventText('record', mockRecords(new URLSearchParams()).records[0]))
    response.write(eventText('record', { skipped: 41 }))
  }

  #live(response: ServerResponse): void {
    startEvents(response)
    this.streams.add(response)
    const tell = () => response.write(eventText('live', mockLive(this.#seconds++, this.isRestoring)))
    const timer = setInterval(tell, 300)
    response.on('close', () => {
      clearInterval(timer)
      this.streams.delete(response)
    })
    tell()
  }

  #audit(): object {
    return {
      name: 'charges',
      description: 'Each order must be charged once.',
      since: Date.now() - 3_000_000,
      expected: 48_211,
      seen: 48_205,
      pending: 6,
      caughtUp: true,
      behindMs: 0,
      ...(this.hasLost ? BROKEN : GOOD),
    }
  }

  #answerLetters(path: string, { body, response, params }: Asked): void {
    if (path === 'letters') {
      const key = params.get('key')
      const letters = this.#letters.filter(letter => key === null || letter.key === key)
      return json(response, { operators: ['charge'], letters, total: this.#letters.length })
    }
    const { ids = [], id, dryRun } = body as { ids?: string[]; id?: string; dryRun?: boolean }
    const wanted = id === undefined ? ids : [id]
    if (!dryRun)
      this.#letters = this.#letters.map(each =>
        wanted.includes(each.id) ? { ...each, state: 'replayed' } : each,
      )
    return json(response, { letters: wanted.length, left: 0, homeless: 0 })
  }
}

const COMMANDS = [
  {
    do: 'pause',
    reason: 'the bank is away',
    by: 'ada',
    at: Date.now() - 65_000,
    target: { operator: 'charge', key: 'user-7' },
  },
]
const WAITING = [
  {
    operator: 'charge',
    taskId: '1_0',
    id: 'orders-0-99',
    key: 'user-9',
    state: 'parked',
    attempts: 3,
    dueMs: Date.now() + 12_000,
    firstFailedMs: Date.now() - 40_000,
    lastError: { name: 'Error', message: 'The bank answered 503.' },
  },
]

const ENTRIES = ['de', 'fr', 'it', 'jp'].map((key, at) => ({
  key,
  value: { country: key.toUpperCase(), revenue: 1_200 * (at + 1), orders: { paid: 7 + at, open: at } },
  timestamp: Date.now() - at * 61_000,
}))

function answerStores(path: string, params: URLSearchParams, response: ServerResponse): void {
  const [, name] = path.split('/')
  const described = {
    isGlobal: false,
    keySerde: 'string',
    valueSerde: 'json',
    partitions: [0, 1],
    partitionCount: 2,
    lag: 0,
  }
  if (name === undefined)
    return json(response, {
      stores: [
        { ...described, name: 'revenue', kind: 'timestamped key-value store' },
        { ...described, name: 'per-minute', kind: 'timestamped window store' },
      ],
    })
  if (path.endsWith('/changes')) {
    startEvents(response)
    response.write(eventText('open', { store: name, state: 'running' }))
    response.write(eventText('change', ENTRIES[0]))
    return
  }
  if (path.endsWith('/windows')) {
    const start = Math.floor(Date.now() / 60_000) * 60_000
    return json(response, {
      windows: [{ start, end: start + 60_000, value: { revenue: 99 }, timestamp: start }],
      next: null,
    })
  }
  const key = params.get('key')
  const entry = ENTRIES.find(each => each.key === key)
  if (key !== null && entry) return json(response, { ...entry, store: name, partition: 1 })
  if (key !== null) return json(response, { error: { code: 'KEY_NOT_FOUND', message: 'no such key' } }, 404)
  const prefix = params.get('prefix') ?? ''
  return json(response, {
    store: name,
    entries: ENTRIES.filter(each => each.key.startsWith(prefix)),
    next: null,
  })
}

function history(): object {
  const present = Date.now()
  const at = (index: number) => present - (300 - index) * 1_000
  return {
    rebalances: [
      { atMs: present - 500_000, kind: 'assigned', tasks: ['0_0', '0_1', '1_0', '1_1'] },
      { atMs: present - 200_000, kind: 'revoked', tasks: ['1_1'] },
      { atMs: present - 190_000, kind: 'assigned', tasks: ['1_1'] },
    ],
    states: [
      { atMs: present - 505_000, state: 'rebalancing' },
      { atMs: present - 500_000, state: 'running' },
      { atMs: present - 200_000, state: 'rebalancing' },
      { atMs: present - 190_000, state: 'running' },
    ],
    commits: Array.from({ length: 120 }, (_, index) => ({
      atMs: at(index),
      durationMs: 6 + 5 * Math.sin(index / 5) ** 2,
      records: 410,
    })),
    latency: Array.from({ length: 120 }, (_, index) => ({
      atMs: at(index),
      p50Ms: 60,
      p99Ms: 120 + 50 * Math.sin(index / 9),
    })),
  }
}
