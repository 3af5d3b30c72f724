/**
 * Keys and values as the documents write them: text of keys as it is, a key in its window as
 * `key[start,end]`, all else as JSON.
 */
export function showKey(key: unknown): string {
  if (typeof key === 'string') return key
  if (key === null || typeof key !== 'object' || !('window' in key && 'key' in key)) return showValue(key)
  const { key: inner, window } = key as { key: unknown; window: { startMs: number; endMs: number } }
  return `${showKey(inner)}[${window.startMs},${window.endMs}]`
}

export function showValue(value: unknown): string {
  return JSON.stringify(value)
}
