/** Whether the work has ended before the time, which its end cuts short. Rejects where the work does. */
export async function isOver(work: Promise<void>, time: Promise<void>, ended: AbortSignal): Promise<boolean> {
  await Promise.race([work, time])
  if (!ended.aborted) return false
  await work
  return true
}
