import { setTimeout as sleep } from 'node:timers/promises'
import type { Api, Fate, Proxy } from '../proxy.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { until } from '../until.ts'

/**
 * An answer that does not come is given up with the transaction, after 10 s; the broker may take 10 s more to
 * abort it.
 */
const BACK_MS = 30_000
const LATE_MS = 300
const CUTS = 5
const REFUSED_MS = 20_000
const HELD_MS = 12_000
const ROUNDS = 2

async function behindProxy(stage: Stage): Promise<Proxy> {
  const { proxy } = stage
  await stage.start({ brokers: proxy.brokers })
  return proxy
}

async function late(stage: Stage): Promise<void> {
  const proxy = await behindProxy(stage)
  const slow = async () => proxy.delay(LATE_MS)
  await stage.measure(`all answers ${2 * LATE_MS} ms late`, slow, { limitMs: BACK_MS })
  const quick = async () => proxy.delay(0)
  await stage.measure('in time again', quick, { limitMs: BACK_MS })
  await stage.expectExact()
}

async function cut(stage: Stage): Promise<void> {
  const proxy = await behindProxy(stage)
  for (let round = 0; round < CUTS; round += 1) {
    // At other moments of the commit interval each time.
    await sleep(round * 17)
    const act = async () => proxy.cut()
    await stage.measure('all connections cut', act, { limitMs: BACK_MS })
  }
  await stage.expectExact()
}

async function halfClosed(stage: Stage): Promise<void> {
  const proxy = await behindProxy(stage)
  const act = async () => proxy.halfClose()
  await stage.measure('all connections closed by half', act, { limitMs: BACK_MS })
  await stage.expectExact()
}

async function cutOff(stage: Stage): Promise<void> {
  const proxy = await behindProxy(stage)
  const away = async () => {
    proxy.refuse(true)
    proxy.cut()
    await sleep(REFUSED_MS)
    proxy.refuse(false)
  }
  await stage.measure(`cut off for ${REFUSED_MS / 1000} s`, away, { limitMs: BACK_MS, from: 'end' })
  await stage.expectExact()
}

async function struck(stage: Stage, api: Api, fate: Fate): Promise<void> {
  const proxy = await behindProxy(stage)
  for (let round = 1; round <= ROUNDS; round += 1) {
    const strike = async () => {
      proxy.strike(api, fate)
      await until(() => proxy.struck === round, { what: `an answer to ${api}`, limitMs: BACK_MS })
    }
    await stage.measure(`answer to ${api}: ${fate}`, strike, { limitMs: BACK_MS })
  }
  await stage.expectExact()
}

/** Longer than the transaction lives: its answer comes to a producer that has been given up. */
async function held(stage: Stage, api: Api): Promise<void> {
  const proxy = await behindProxy(stage)
  const hold = async () => {
    proxy.strike(api, 'hold')
    await until(() => proxy.struck === 1, { what: `an answer to ${api}`, limitMs: BACK_MS })
    await sleep(HELD_MS)
    proxy.release()
  }
  await stage.measure(`answer to ${api} held for ${HELD_MS / 1000} s`, hold, { limitMs: BACK_MS })
  await stage.expectExact()
}

const STRUCK_APIS = ['endTxn', 'txnOffsetCommit', 'produce', 'addPartitionsToTxn', 'heartbeat'] as const

function strikes(api: Api): Scenario[] {
  const name = api.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  return [
    {
      name: `${name}-dropped`,
      about: `an answer to ${api} never comes, the connection stays: exact, back within 30 s`,
      run: stage => struck(stage, api, 'drop'),
    },
    {
      name: `${name}-cut`,
      about: `a connection is cut in place of an answer to ${api}: exact, back within 30 s`,
      quick: api === 'endTxn',
      run: stage => struck(stage, api, 'cut'),
    },
    {
      name: `${name}-held`,
      about: `an answer to ${api} comes 12 s late: exact, back within 30 s`,
      run: stage => held(stage, api),
    },
  ]
}

export const connectionScenarios: readonly Scenario[] = [
  { name: 'answers-late', about: `every answer comes ${2 * LATE_MS} ms late: exact`, run: late },
  {
    name: 'connections-cut',
    about: 'all connections are cut, five times: exact, back within 30 s',
    run: cut,
  },
  {
    name: 'connections-half-closed',
    about: 'the brokers end all connections and take what still comes: exact, back within 30 s',
    run: halfClosed,
  },
  {
    name: 'cut-off',
    about: 'no connection for 20 s, the brokers are well: exact, back within 30 s',
    run: cutOff,
  },
  ...STRUCK_APIS.flatMap(strikes),
]
