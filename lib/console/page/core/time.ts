/** The page's clock and timers: this file alone touches those of the browser. */
export const nowMs = (): number => Date.now()

/** Calls once after `delayMs`; what it returns cancels it. */
export function after(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}

export function every(periodMs: number, callback: () => void): () => void {
  const timer = setInterval(callback, periodMs)
  return () => clearInterval(timer)
}
