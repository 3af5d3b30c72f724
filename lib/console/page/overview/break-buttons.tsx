import { useState } from 'preact/hooks'
import { post } from '../core/api.ts'
import type { SiteProcess } from '../core/api-types.ts'
import { duration } from '../core/format.ts'
import { Icon } from '../parts/icon.tsx'
import { attempt } from '../parts/toasts.tsx'

const STALL_MS = 5_000

/** Breaks a process for real: the site brings it back. */
export function BreakButtons({ process: { index, state } }: { readonly process: SiteProcess }) {
  const [isBusy, setBusy] = useState(false)
  const doIt = async (path: string, body: object, done: string) => {
    setBusy(true)
    await attempt(() => post(path, body), done)
    setBusy(false)
  }
  const kill = () =>
    doIt('api/break/kill', { process: index }, `Process ${index} was killed. It comes back by itself.`)
  const stall = () =>
    doIt(
      'api/break/stall',
      { process: index, ms: STALL_MS },
      `The loop of process ${index} stands still for ${duration(STALL_MS)}.`,
    )
  const isOff = isBusy || state !== 'running'
  return (
    <span class="break-buttons">
      <button type="button" class="danger" disabled={isOff} onClick={() => void kill()}>
        <Icon name="bolt" /> Kill
      </button>
      <button type="button" disabled={isOff} onClick={() => void stall()}>
        <Icon name="pause" /> Stall for {duration(STALL_MS)}
      </button>
    </span>
  )
}
