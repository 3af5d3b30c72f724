import { expect, it } from 'vitest'
import { fixedBackoff, NonRetriableError, readLetter, serdes, StreamsBuilder } from '../../lib/index.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import { atPresent, letterRecord } from '../../lib/processor/letter.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const NO = { name: 'Error', message: 'no' }

it('a letter of a record that is a letter of another application keeps what that one says', async () => {
  let isMended = false
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('other-charge-dlq', TEXT)
    .mapValuesAsync(
      async value => {
        if (!isMended) throw new NonRetriableError('mail is down')
        return value
      },
      { name: 'tell', retry: { backoff: fixedBackoff({ delayMs: 1 }), attempts: 2 } },
    )
    .to('told', TEXT)
  using driver = new TopologyTestDriver(builder.build())
  const input = { key: utf8('k'), value: utf8('V') }
  const inner = letterRecord({
    ...{ id: 'in-0-3', applicationId: 'other', operator: 'charge', reason: 'gave-up', attempts: 3, input },
    ...{ firstFailedMs: 1, lastFailedMs: 2, firstError: NO, lastError: NO },
    context: {
      ...{ topic: 'in', partition: 0, offset: 3, timestamp: 7 },
      headers: [{ key: 'trace', value: utf8('t') }],
      source: { key: utf8('k'), value: utf8('v') },
    },
  })
  driver.pipeRecord({ ...inner, topic: 'other-charge-dlq', partition: 0 })
  await driver.settled()
  const [letter] = driver.letters('tell')
  expect(letter).toMatchObject({ id: 'other-charge-dlq-0-0', operator: 'tell', timestamp: 2 })
  // What the inner letter says of its input is none of the outer's business.
  expect(letter?.input.value).toEqual(utf8('v'))
  expect(letter?.headers).toEqual(inner.headers)
  isMended = true
  driver.replay('tell')
  await driver.settled()
  const [told] = driver.createOutputTopic('told', TEXT).readRecords()
  expect(told?.headers).toEqual(inner.headers)
  expect(readLetter({ ...inner, headers: told!.headers })).toMatchObject({ id: 'in-0-3', operator: 'charge' })
  const record = letterRecord({
    ...{ id: 'x-0-0', applicationId: 'app', operator: 'tell', reason: 'gave-up', attempts: 1 },
    ...{ firstFailedMs: 1, lastFailedMs: 2, firstError: NO, lastError: NO, input },
    context: { ...inner, topic: 'x', partition: 0, offset: 0, source: undefined },
  })
  const present = readLetter({ ...record, headers: atPresent(record.headers, 99) })
  expect([present?.timestamp, present?.headers]).toEqual([99, inner.headers])
})
