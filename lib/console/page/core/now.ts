import { signal, type Signal } from '@preact/signals'
import { every, nowMs } from './time.ts'

/** The present, told each second: for "4 s ago". */
export const now: Signal<number> = signal(nowMs())

every(1_000, () => {
  if (document.visibilityState === 'visible') now.value = nowMs()
})
