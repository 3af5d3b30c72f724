import { pbkdf2 } from 'node:crypto'
import { NativeCalls } from '../../lib/broker/kafka/native/native-calls.ts'
import { fastClock } from '../support/fast-clock.ts'

// For hours, in a thread of the pool: as a native call that never returns.
const call = new Promise(resolve => pbkdf2('password', 'salt', 2 ** 31 - 1, 64, 'sha512', resolve))
const calls = new NativeCalls(fastClock(20))
calls.answer('waiting for ever', 1, call).catch(() => undefined)
await calls.whenOver(async () => undefined)
process.exitCode = 3
if (process.argv[2] === 'exits') process.exit()
