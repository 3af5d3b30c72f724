import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Semaphore } from './turns.ts'

/** Something that lasts until it is ended, and says when it begins. */
function act(name: string, said: string[]) {
  let end!: () => void
  const over = new Promise<void>(resolve => (end = resolve))
  return { begin: () => (said.push(name), over), end }
}

test('who acts alone waits for those under way, and those who come meanwhile wait for it', async () => {
  const said: string[] = []
  const turns = new Semaphore()
  const [first, second, alone, last] = ['first', 'second', 'alone', 'last'].map(name => act(name, said))
  const taken = [
    turns.take(false, first!.begin),
    turns.take(false, second!.begin),
    turns.take(true, alone!.begin),
    turns.take(false, last!.begin),
  ]
  await setImmediate()
  expect(said).toEqual(['first', 'second'])
  first!.end()
  await setImmediate()
  expect(said).toEqual(['first', 'second'])
  second!.end()
  await setImmediate()
  expect(said).toEqual(['first', 'second', 'alone'])
  alone!.end()
  last!.end()
  await Promise.all(taken)
  expect(said).toEqual(['first', 'second', 'alone', 'last'])
})

test('a turn that fails fails alone', async () => {
  const turns = new Semaphore()
  const failed = turns.take(true, () => Promise.reject(new Error('broken')))
  const next = turns.take(false, () => Promise.resolve())
  await expect(failed).rejects.toThrow('broken')
  await expect(next).resolves.toBeUndefined()
})
