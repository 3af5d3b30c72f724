import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToMapKey } from '../../lib/common/bytes.ts'
import { commandOn, effectOn, mayEndWaiting } from '../../lib/dsl/retry/control-effects.ts'
import type { ControlAction, ControlTarget } from '../../lib/store/operator/control-command.ts'
import { OperatorCommands } from '../../lib/store/operator/operator-commands.ts'

const operator = 'charge'
const KEY = Buffer.from('u7')
const TARGETS: readonly ControlTarget[] = [
  { operator, letter: 'in-0-1' },
  { operator, key: KEY },
  { operator, partition: 3 },
  { operator },
]
const item = { partition: 3, mapKey: bytesToMapKey(KEY), letterId: 'in-0-1', offset: 1, hasFailed: true }

function commands(...said: readonly (readonly [ControlTarget, ControlAction])[]): OperatorCommands {
  const all = new OperatorCommands()
  for (const [target, action] of said) all.set(target, { do: action, reason: '', by: 'ada', at: 0 })
  return all
}

describe('effects of commands', () => {
  it('the most specific of any set is asked', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(3)), places => {
        const found = commandOn(commands(...places.map(at => [TARGETS[at]!, 'pause'] as const)), item)
        const best = TARGETS[Math.min(...places)]
        expect(found !== undefined).toBe(best !== undefined)
        expect(found?.target.letter).toBe(best?.letter)
        expect(found?.target.partition).toBe(best?.partition)
        expect(found?.target.mapKey).toBe(best?.key && bytesToMapKey(best.key))
      }),
    )
  })

  it.each([
    ['pause', true, 'held'],
    ['pause', false, 'held'],
    ['ignore', true, 'ignored'],
    ['ignore', false, undefined],
  ] as const)('%s of what has failed: %s', (action, hasFailed, effect) => {
    for (const target of TARGETS.slice(1))
      expect(effectOn(commands([target, action]), { ...item, hasFailed })).toBe(effect)
  })

  it('a skip is for its record, failed or not; what was said about others is for them', () => {
    const said = commands([{ operator, letter: 'in-0-1' }, 'skip'])
    expect(effectOn(said, { ...item, hasFailed: false })).toBe('skipped')
    expect(effectOn(said, { ...item, letterId: 'in-0-11', offset: 11 })).toBeUndefined()
    // Of several calls for one record each has an id of its own; what a punctuator made has no offset.
    for (const [letter, offset] of [
      ['in-0-1-2', 1],
      ['my-topic-7-0-1', 1],
      ['punctuated-5-3', -1],
    ] as const) {
      const one = commands([{ operator, letter }, 'skip'])
      expect(effectOn(one, { ...item, letterId: letter, offset })).toBe('skipped')
      expect(effectOn(one, item)).toBeUndefined()
    }
    expect(effectOn(commands([{ operator, partition: 2 }, 'pause']), item)).toBeUndefined()
    expect(
      effectOn(commands([{ operator, key: KEY }, 'pause']), { ...item, mapKey: undefined }),
    ).toBeUndefined()
    expect(effectOn(commands(), item)).toBeUndefined()
  })

  it('what waits is only looked through where something could end it', () => {
    expect(mayEndWaiting(commands([{ operator }, 'pause'], [{ operator, key: KEY }, 'pause']))).toBe(false)
    expect(mayEndWaiting(commands([{ operator, key: KEY }, 'ignore']))).toBe(true)
    expect(mayEndWaiting(commands([{ operator, letter: 'x' }, 'skip']))).toBe(true)
  })
})
