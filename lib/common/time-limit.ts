import type { Clock } from './clock.ts'

/**
 * Resolves with the result of `work`, or, where it takes longer than `limitMs`, with that of `late`; then the
 * work goes on, and its failure is ignored. After a standstill of the process, an answer that has come
 * meanwhile counts as in time.
 */
export async function withTimeLimit<T, L = never>(
  clock: Clock,
  { limitMs, late }: { readonly limitMs: number; readonly late: () => L | Promise<L> },
  work: Promise<T>,
): Promise<T | L> {
  const isOver = new AbortController()
  const { signal } = isOver
  const limit = async () => {
    await clock.sleep(Math.max(0, limitMs), signal)
    // One more turn lets answers in: timers come before sockets and the queues of the native layer.
    if (!signal.aborted) await clock.nextTurn()
    return signal.aborted ? work : late()
  }
  try {
    return await Promise.race([work, limit()])
  } finally {
    isOver.abort()
  }
}
