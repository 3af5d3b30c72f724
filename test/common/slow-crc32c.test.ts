import { crc32c } from '@node-rs/crc32'
import { expect, it } from 'vitest'
import { slowCrc32c } from '../../lib/common/level/slow-crc32c.ts'
import { SeededRandom } from '../support/seeded-random.ts'

it('says of any bytes what the native code says', () => {
  const random = new SeededRandom(1)
  expect(slowCrc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  for (const length of [0, 1, 7, 64, 4_097]) {
    const bytes = Buffer.from(Array.from({ length }, () => random.below(256)))
    expect(slowCrc32c(bytes)).toBe(crc32c(bytes))
  }
})
