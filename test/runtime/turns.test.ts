import { expect, test } from 'vitest'
import { Semaphore } from '../../lib/common/semaphore.ts'

const never = new AbortController().signal

/** Actions that end when they are told to, and the order in which they began. */
function actions() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  return {
    begun,
    end: (name: string) => ends.get(name)!(),
    of: (name: string) => () => {
      begun.push(name)
      return new Promise<void>(resolve => ends.set(name, resolve))
    },
  }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

test('turns: so many at a time, the others in their order', async () => {
  const turns = new Semaphore(2)
  const { begun, end, of } = actions()
  const all = ['a', 'b', 'c', 'd'].map(name => turns.take(never, of(name)))
  await settled()
  expect(begun).toEqual(['a', 'b'])
  end('b')
  await settled()
  expect(begun).toEqual(['a', 'b', 'c'])
  end('c')
  await settled()
  for (const name of ['a', 'd']) end(name)
  await Promise.all(all)
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
})

test('turns: whoever fails passes the turn on', async () => {
  const turns = new Semaphore(1)
  await expect(turns.take(never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await turns.take(never, async () => 'next')).toBe('next')
})

test('turns: whoever gives up waiting is told at once, and takes no turn', async () => {
  const turns = new Semaphore(1)
  const { begun, end, of } = actions()
  const first = turns.take(never, of('first'))
  const abort = new AbortController()
  const second = turns.take(abort.signal, of('second'))
  const third = turns.take(never, of('third'))
  abort.abort(new Error('given up'))
  await expect(second).rejects.toThrow('given up')
  await expect(turns.take(abort.signal, of('too late'))).rejects.toThrow('given up')
  end('first')
  await first
  await settled()
  end('third')
  await third
  expect(begun).toEqual(['first', 'third'])
})
