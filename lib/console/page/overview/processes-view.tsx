import { site } from '../core/site-state.ts'
import { Loading } from '../parts/state.tsx'
import { ProcessCards } from './process-cards.tsx'
import { SiteEvents } from './overview.tsx'

export function ProcessesView() {
  const current = site.value
  if (!current) return <Loading />
  return (
    <>
      <header class="head">
        <h1>Processes</h1>
        <p>
          {current.canBreak
            ? 'Kill one, and watch it come back: what it had not committed is done again, and nothing twice.'
            : 'Buttons that break processes are off; --console-faults turns them on.'}
        </p>
      </header>
      <ProcessCards site={current} />
      <h2 class="section">What has happened</h2>
      <SiteEvents />
    </>
  )
}
