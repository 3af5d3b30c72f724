/** Stands still when the supervisor says so: what a visitor may see heal. */
export function stallWhenTold(): () => void {
  const onMessage = (message: unknown) => {
    const { kind, ms } = message as { readonly kind?: unknown; readonly ms?: unknown }
    if (kind !== 'stall' || typeof ms !== 'number') return
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  }
  process.on('message', onMessage)
  // Listening must not keep the process alive by itself.
  process.channel?.unref()
  return () => process.off('message', onMessage)
}
