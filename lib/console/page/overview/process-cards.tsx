import { useState } from 'preact/hooks'
import { post } from '../core/api.ts'
import { ago, duration } from '../core/format.ts'
import { now } from '../core/now.ts'
import type { Site, SiteProcess } from '../core/api-types.ts'
import { Facts } from '../parts/fields.tsx'
import { Icon } from '../parts/icon.tsx'
import { State } from '../parts/state.tsx'
import { attempt } from '../parts/toasts.tsx'

const STALL_MS = 5_000

export function ProcessCards({ site }: { readonly site: Site }) {
  return (
    <section aria-label="Processes" class="cards">
      {site.processes.map(process => (
        <ProcessCard key={process.index} process={process} canBreak={site.canBreak} />
      ))}
    </section>
  )
}

function ProcessCard({ process, canBreak }: { readonly process: SiteProcess; readonly canBreak: boolean }) {
  const { index, pid, state, startedMs, restarts, lastEnd } = process
  return (
    <article class="card process-card" aria-label={`Process ${index}`}>
      <header>
        <h3>Process {index}</h3>
        <State state={state} />
      </header>
      <Facts
        facts={[
          ['Process id', pid ?? '–'],
          ['Runs for', state === 'running' ? duration(now.value - startedMs) : '–'],
          ['Restarts', restarts],
          ['Last end', lastEnd ? `${ago(lastEnd.atMs, now.value)}, ${endOf(lastEnd)}` : 'none'],
        ]}
      />
      {canBreak && <BreakButtons index={index} isRunning={state === 'running'} />}
    </article>
  )
}

function BreakButtons({ index, isRunning }: { readonly index: number; readonly isRunning: boolean }) {
  const [busy, setBusy] = useState(false)
  const doIt = async (path: string, body: object, done: string) => {
    setBusy(true)
    await attempt(() => post(path, body), done)
    setBusy(false)
  }
  return (
    <footer>
      <button
        type="button"
        class="danger"
        disabled={busy || !isRunning}
        onClick={() =>
          void doIt(
            'api/break/kill',
            { process: index },
            `Process ${index} was killed. It comes back by itself.`,
          )
        }
      >
        <Icon name="bolt" /> Kill
      </button>
      <button
        type="button"
        disabled={busy || !isRunning}
        onClick={() =>
          void doIt(
            'api/break/stall',
            { process: index, ms: STALL_MS },
            `The loop of process ${index} stands still for ${duration(STALL_MS)}.`,
          )
        }
      >
        <Icon name="pause" /> Stall for {duration(STALL_MS)}
      </button>
    </footer>
  )
}

function endOf({ exitCode, killedBy }: NonNullable<SiteProcess['lastEnd']>): string {
  return killedBy ?? (exitCode === null ? 'unknown' : `code ${exitCode}`)
}
