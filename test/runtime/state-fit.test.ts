import { describe, expect, it } from 'vitest'
import { fitOf, type ChangelogState, type StoredState } from '../../lib/runtime/state/state-fit.ts'

const stored = (state: Partial<StoredState> = {}): StoredState => ({
  position: { offset: 10, topicId: 'one' },
  hasRows: true,
  isStale: false,
  refilling: undefined,
  isWhole: false,
  ...state,
})
const topic = (state: Partial<ChangelogState> = {}): ChangelogState => ({
  topicId: 'one',
  beginning: 0,
  end: 20,
  expires: false,
  isMarked: undefined,
  ...state,
})
const EMPTY = { beginning: 0, end: 0 }

describe('state and a changelog that has records', () => {
  it.each([
    ['the same topic', {}, {}, 10],
    ['at its end', { position: { offset: 20, topicId: 'one' } }, {}, 20],
    ['at its beginning', {}, { beginning: 10 }, 10],
    ['an id that was not stored', { position: { offset: 10, topicId: undefined } }, {}, 10],
    ['a broker without ids', {}, { topicId: undefined }, 10],
    ['nothing on disk', { position: undefined, hasRows: false }, { beginning: 3 }, 3],
    ['a position without rows in another topic', { hasRows: false }, { topicId: 'two', beginning: 3 }, 3],
    [
      'a date too old, but nothing missed',
      { position: { offset: 20, topicId: 'one' }, isStale: true },
      {},
      20,
    ],
  ] as const)('go on together: %s', (_, state, changelog, from) => {
    expect(fitOf(stored(state), topic(changelog))).toEqual({ kind: 'replay', from })
  })

  it.each([
    ['another topic', {}, { topicId: 'two' }],
    ['another topic, longer', {}, { topicId: 'two', end: 1_000 }],
    ['a topic that ends before', {}, { end: 9 }],
    ['a topic that begins behind', {}, { beginning: 11 }],
    ['rows without a position', { position: undefined }, {}],
    ['a date too old', { isStale: true }, {}],
    ['a refill of another topic', { refilling: 'other', isWhole: true }, {}],
    ['a refill, and offsets that have gone on', { refilling: 'one' }, {}],
  ] as const)('do not belong together: %s', (_, state, changelog) => {
    // Whole or not: what has records is the truth.
    expect(fitOf(stored({ ...state }), topic(changelog))).toMatchObject({ kind: 'rebuild' })
  })

  it('a refill that was interrupted begins anew', () => {
    expect(fitOf(stored({ refilling: 'two', isWhole: true }), topic({ topicId: 'two' }))).toMatchObject({
      kind: 'refill',
    })
  })
})

describe('state and a changelog without records', () => {
  it.each([
    ['made anew', {}, { ...EMPTY, topicId: 'two' }],
    ['shorter', {}, EMPTY],
    ['emptied', {}, { beginning: 20, end: 20 }],
    [
      'emptied, and read to its end',
      { position: { offset: 20, topicId: 'one' } },
      { beginning: 20, end: 20 },
    ],
    ['never positioned', { position: undefined }, EMPTY],
    ['being filled', { refilling: 'three' }, { ...EMPTY, topicId: 'two' }],
  ] as const)('%s: never a wipe', (_, state, changelog) => {
    expect(fitOf(stored({ ...state, isWhole: true }), topic(changelog))).toMatchObject({ kind: 'refill' })
    expect(fitOf(stored(state), topic(changelog))).toMatchObject({ kind: 'lost' })
  })

  it('nothing on either side is a first start', () => {
    const nothing = stored({ position: undefined, hasRows: false })
    expect(fitOf(nothing, topic(EMPTY))).toEqual({ kind: 'replay', from: 0 })
  })

  it('what retention has emptied is as good as read', () => {
    const expired = topic({ beginning: 20, end: 20, expires: true })
    expect(fitOf(stored(), expired)).toEqual({ kind: 'replay', from: 20 })
    expect(fitOf(stored(), { ...expired, topicId: 'two' })).toMatchObject({ kind: 'lost' })
  })
})

describe('a changelog that is not the one which the committed offsets have their state in', () => {
  const other = { topicId: 'two', isMarked: false }

  it.each([
    ['empty', EMPTY],
    ['with records that came since', {}],
  ])('is filled from state that is whole, and from no other: %s', (_, bounds) => {
    const changelog = topic({ ...other, ...bounds })
    expect(fitOf(stored({ isWhole: true }), changelog)).toMatchObject({ kind: 'refill' })
    expect(fitOf(stored(), changelog)).toMatchObject({ kind: 'lost' })
    expect(fitOf(stored({ position: undefined, hasRows: false }), changelog)).toMatchObject({ kind: 'lost' })
    for (const refilling of ['two', 'one']) {
      expect(fitOf(stored({ refilling, isWhole: true }), changelog)).toMatchObject({ kind: 'refill' })
      expect(fitOf(stored({ refilling }), changelog)).toMatchObject({ kind: 'lost' })
    }
  })
})
