import { ago, duration } from '../core/format.ts'
import { now } from '../core/now.ts'
import type { Site, SiteProcess } from '../core/api-types.ts'
import { Facts } from '../parts/fields.tsx'
import { State } from '../parts/state.tsx'
import { BreakButtons } from './break-buttons.tsx'

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
      {canBreak && (
        <footer>
          <BreakButtons process={process} />
        </footer>
      )}
    </article>
  )
}

function endOf({ exitCode, killedBy }: NonNullable<SiteProcess['lastEnd']>): string {
  return killedBy ?? (exitCode === null ? 'unknown' : `code ${exitCode}`)
}
