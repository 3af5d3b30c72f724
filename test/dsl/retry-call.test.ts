import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { RetryCall } from '../../lib/dsl/retry/retry-call.ts'

test('a call that has been written down keeps nothing of the fetch that its record came with', () => {
  const fetched = Buffer.alloc(1 << 20, 'x')
  const [key, value] = [fetched.subarray(10, 13), fetched.subarray(20, 60)]
  const headers = [{ key: 'trace', value: fetched.subarray(100, 104) }]
  const context = { topic: 'in', partition: 2, offset: 7, timestamp: 5, headers, source: { key, value } }
  const call = new RetryCall({ key, value, context, ordinal: 1 }, { key: 'xxx', value: 1 }, 'xxx', {
    failed: undefined,
    interruptions: 0,
    run: '',
  })
  call.place = 'behind'
  const before = structuredClone(call.input)
  const bytes = call.toBytes()
  expect(bytes.length).toBeLessThan(300)
  expect(structuredClone(call.input)).toEqual(before)
  const kept = [
    call.input.key,
    call.input.value,
    call.input.context.source?.value,
    call.input.context.headers[0]?.value,
  ]
  for (const piece of kept) expect(piece?.buffer.byteLength).toBe(bytes.length)
  expect(call.record).toBeUndefined()
  expect(call.idempotencyKey).toBe('in-2-7-1')
  expect([...call.toBytes()]).toEqual([...bytes])
})
