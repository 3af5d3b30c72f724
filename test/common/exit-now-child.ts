import { pbkdf2 } from 'node:crypto'
import { exitNow } from '../../lib/common/exit-now.ts'

// For hours: as a native call that never returns holds a thread of the pool.
if (process.argv[2] === 'busy') pbkdf2('password', 'salt', 2 ** 31 - 1, 64, 'sha512', () => undefined)
process.stdout.write('ends\n', () => exitNow(3, 500))
