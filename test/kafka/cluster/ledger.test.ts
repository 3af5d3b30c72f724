import { describe, expect, test } from 'vitest'
import { processedInputs, refusedTroubles, troublesOf, type Outputs } from './ledger.ts'
import type { WitnessedRecord } from './witness.ts'

const record = (partition: number, offset: number, key: string, value: string): WitnessedRecord => {
  return { partition, offset, key, value }
}

const inputs = [
  record(0, 0, 'k-0', '0 g0'),
  record(0, 1, 'k-0', '1 g1'),
  record(1, 0, 'k-1', '2 g0'),
  record(0, 2, 'k-0', '3 g0'),
]

const outputs: Outputs = {
  seen: inputs.map((each, at) => ({ ...each, offset: at, value: `${each.partition}:${each.offset}` })),
  joined: inputs.map(each => ({ ...each, value: `${each.value[0]}|row` })),
  perkey: [
    record(0, 0, 'k-0', '1'),
    record(0, 1, 'k-0', '2'),
    record(1, 0, 'k-1', '1'),
    record(0, 2, 'k-0', '3'),
  ],
  groups: [
    record(0, 0, 'g0', '1'),
    record(0, 1, 'g1', '1'),
    record(0, 2, 'g0', '2'),
    record(0, 3, 'g0', '3'),
  ],
}

const without = (name: keyof Outputs, at: number): Outputs => {
  return { ...outputs, [name]: outputs[name].filter((_, index) => index !== at) }
}
const twice = (name: keyof Outputs, at: number): Outputs => {
  return { ...outputs, [name]: [...outputs[name].slice(0, at + 1), ...outputs[name].slice(at)] }
}
const swapped = (name: keyof Outputs): Outputs => {
  const [first, second, ...rest] = outputs[name]
  return { ...outputs, [name]: [second!, first!, ...rest] }
}

describe('the verdict on what the ledger has written', () => {
  test('has nothing to say of what is exact', () => {
    expect(troublesOf(inputs, outputs)).toEqual([])
  })

  test.each([
    { name: 'a record lost', found: without('seen', 1), says: 'seen, partition 0: of 3 lost 1' },
    { name: 'the last record lost', found: without('joined', 3), says: 'joined, partition 0: of 3 lost 1' },
    { name: 'a record twice', found: twice('joined', 0), says: 'too often 1 (0)' },
    { name: 'two records in the wrong order', found: swapped('seen'), says: 'at 0 0:1 where 0:0 was due' },
    {
      name: 'a record of nowhere',
      found: { ...outputs, seen: [...outputs.seen, record(0, 9, 'k-0', '7:7')] },
      says: 'too often 1 (7:7)',
    },
    { name: 'a gap in a count', found: without('perkey', 1), says: 'perkey: k-0 counted 3 after 1' },
    { name: 'a count twice', found: twice('groups', 2), says: 'groups: g0 counted 2 after 2' },
    { name: 'a count that ends early', found: without('groups', 3), says: 'groups: g0 ends at 2 where 3' },
    { name: 'a count that never began', found: without('perkey', 2), says: 'perkey: k-1 ends at 0 where 1' },
  ])('finds $name', ({ found, says }) => {
    expect(troublesOf(inputs, found).join('\n')).toContain(says)
  })

  test('takes the end of an output whose topic was made anew, but no gap in it', () => {
    const endOnly = ['joined', 'perkey'] as const
    const end = { ...outputs, joined: outputs.joined.slice(1), perkey: outputs.perkey.slice(1) }
    expect(troublesOf(inputs, end, { endOnly })).toEqual([])
    expect(troublesOf(inputs, without('joined', 1), { endOnly }).join()).toContain(
      'joined, partition 0: of 2 lost 1 (1), too often 1 (0)',
    )
    expect(troublesOf(inputs, without('perkey', 1), { endOnly }).join()).toContain('perkey: k-0 counted 3')
  })

  test('takes counts that end early where their input was lost, but none that is too high', () => {
    const short = ['groups'] as const
    expect(troublesOf(inputs, without('groups', 3), { short })).toEqual([])
    const high = { ...outputs, groups: [...outputs.groups, record(0, 4, 'g0', '4')] }
    expect(troublesOf(inputs, high, { short })).toEqual(['groups: g0 ends at 4 where 3'])
  })
})

test('an input topic that was made anew brings the same places again, each as often as it was there', () => {
  const again = [...inputs, record(0, 0, 'k-0', '4 g0')]
  const seen = [...outputs.seen, record(0, 3, 'k-0', '0:0')]
  const all = {
    seen,
    joined: [...outputs.joined, record(0, 3, 'k-0', '4|row')],
    perkey: [...outputs.perkey, record(0, 3, 'k-0', '4')],
    groups: [...outputs.groups, record(0, 4, 'g0', '4')],
  }
  expect(troublesOf(again, all)).toEqual([])
  expect(troublesOf(again, { ...all, seen: outputs.seen })).toEqual([
    'seen, partition 0: of 4 lost 1 (0:0), too often 0',
  ])
})

test('processed inputs are those that the output names', () => {
  const processed = processedInputs(inputs, [record(0, 0, 'k-0', '0:1'), record(0, 1, 'k-1', '1:0')])
  expect(processed).toEqual([inputs[1], inputs[2]])
})

test('of every second input there must be the large record or its letter, once', () => {
  const written = [record(0, 0, 'k-0', '0 g0...'), record(1, 0, 'k-1', '2 g0')]
  expect(refusedTroubles(inputs, written, 2)).toEqual([])
  expect(refusedTroubles(inputs, written.slice(1), 2)).toEqual([
    'large records and letters: of 2 lost 1 (0), too often 0',
  ])
  expect(refusedTroubles(inputs, [...written, written[1]!], 2)).toEqual([
    'large records and letters: of 2 lost 0, too often 1 (2)',
  ])
  expect(refusedTroubles(inputs, [...written, record(0, 1, 'k-0', '1 g1')], 2).join()).toContain(
    'too often 1 (1)',
  )
})
