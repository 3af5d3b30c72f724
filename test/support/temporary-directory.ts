import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/**
 * A directory of this test's own, removed when it ends. Concurrent tests give their own context: else any of
 * them may be the one that ends.
 */
export async function temporaryDirectory(
  test: {
    onTestFinished: typeof onTestFinished
  } = { onTestFinished },
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-'))
  test.onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}
