import { link } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { Loading } from '../parts/state.tsx'
import { CommandList } from './command-list.tsx'
import { useControl } from './use-control.ts'
import { Answer } from '../parts/state.tsx'

/** What somebody has said about operators, of all applications. */
export function ControlOverview() {
  if (!site.value) return <Loading />
  return (
    <>
      <header class="head">
        <h1>Control</h1>
        <p>
          Pause, ignore or skip what an operator with retry does: in effect everywhere, and after a restart
          too.
        </p>
      </header>
      {site.value.applications.map(({ applicationId, title }) => (
        <section key={applicationId}>
          <h2 class="section">
            <a href={link(['app', applicationId, 'control'])}>{title}</a>
          </h2>
          <OneControl applicationId={applicationId} />
        </section>
      ))}
    </>
  )
}

function OneControl({ applicationId }: { readonly applicationId: string }) {
  const control = useControl(applicationId)
  return (
    <Answer of={control} rows={2}>
      {({ targets, commands }) =>
        targets.length === 0 ? (
          <p class="quiet">None of its operators takes commands.</p>
        ) : (
          <CommandList applicationId={applicationId} commands={commands} onDone={control.reload} />
        )
      }
    </Answer>
  )
}
