import { describe, expect, it, onTestFinished } from 'vitest'
import { utf8 } from '../../lib/common/bytes.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import type { StoreContext } from '../../lib/store/contract/state-store.ts'
import {
  encodeCommand,
  parseTarget,
  targetText,
  type ControlTarget,
} from '../../lib/store/operator/control-command.ts'
import { ControlStore } from '../../lib/store/operator/control-store.ts'

const operator = 'charge'
const PAUSE = { do: 'pause', reason: 'fraud', by: 'ada', at: 5 } as const

function open() {
  const store = new ControlStore()
  const metrics = new Metrics()
  const logged: string[] = []
  const logger = {
    log: (level: string, _message: string, fields?: object) =>
      void logged.push(`${level} ${JSON.stringify(fields)}`),
  }
  store.open({ metrics, logger, changelogTopic: 'app-control' } as unknown as StoreContext)
  onTestFinished(() => store.close())
  const say = (target: ControlTarget, command: Parameters<typeof encodeCommand>[0] | null) =>
    store.apply(utf8(targetText(target)), command && encodeCommand(command))
  return { store, say, logged, unreadable: () => metrics.total('control-unreadable-total') }
}

describe('control store', () => {
  it.each<[ControlTarget, string]>([
    [{ operator }, 'charge'],
    [{ operator, partition: 3 }, 'charge/partition/3'],
    [{ operator, key: Buffer.from([0, 255, 47]) }, 'charge/key/AP8v'],
    [{ operator, key: Buffer.from('') }, 'charge/key/'],
    [{ operator, letter: 'in-0-1' }, 'charge/letter/in-0-1'],
  ])('target %j is %s', (target, text) => {
    expect(targetText(target)).toBe(text)
    expect(parseTarget(text)).toEqual(target)
  })

  it.each([
    '',
    '/key/x',
    'charge/',
    'charge/partition/-1',
    'charge/partition/x',
    'charge/letter/',
    'charge/key/a=b',
    'charge/user/7',
    'charge/key/x/y',
  ])('target %j names nothing', text => {
    expect(parseTarget(text)).toBeUndefined()
  })

  it('has the last word about each target, by operator, until it is taken back', () => {
    const { store, say } = open()
    say({ operator }, PAUSE)
    say({ operator, partition: 1 }, PAUSE)
    say({ operator, partition: 1 }, { ...PAUSE, do: 'ignore' })
    say({ operator: 'mail' }, PAUSE)
    expect(store.commandsFor(operator).all).toEqual(PAUSE)
    expect(store.commandsFor(operator).partitions.get(1)?.do).toBe('ignore')
    say({ operator }, null)
    expect(store.commandsFor(operator).all).toBeUndefined()
    say({ operator, partition: 1 }, null)
    expect(store.commandsFor(operator).isEmpty).toBe(true)
    expect(store.commandsFor('mail').isEmpty).toBe(false)
  })

  it('tells listeners whose commands have changed, when they have', () => {
    const { store, say } = open()
    const told: string[] = []
    const stop = store.onChange(name => told.push(`${name} ${store.commandsFor(name).isEmpty}`))
    say({ operator }, PAUSE)
    say({ operator: 'mail', letter: 'x' }, { ...PAUSE, do: 'skip' })
    say({ operator }, null)
    stop()
    say({ operator }, PAUSE)
    expect(told).toEqual(['charge false', 'mail false', 'charge true'])
  })

  it('what cannot be read is told and counted, and stands for nothing said', () => {
    const { store, say, logged, unreadable } = open()
    say({ operator }, PAUSE)
    for (const value of [
      '{',
      '"pause"',
      'null',
      '{"v":2,"do":"pause"}',
      '{"v":1,"do":"stop"}',
      '{"v":1,"do":"skip"}',
    ])
      store.apply(utf8('charge'), utf8(value))
    expect(store.commandsFor(operator).isEmpty).toBe(true)
    store.apply(utf8('charge/what/1'), encodeCommand(PAUSE))
    store.apply(null, null)
    expect(unreadable()).toBe(8)
    expect(logged).toHaveLength(8)
    expect(logged[0]).toBe('warn {"target":"charge"}')
  })

  it('takes a command without its author, whoever wrote it', () => {
    const { store } = open()
    store.apply(utf8('charge'), utf8('{"v":1,"do":"pause","at":"today"}'))
    expect(store.commandsFor(operator).all).toEqual({ do: 'pause', reason: '', by: '', at: 0 })
  })
})
