import { link } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { Loading } from '../parts/state.tsx'
import { ScheduleList } from './schedules-view.tsx'

/** The schedules of all applications. */
export function ScheduleOverview() {
  if (!site.value) return <Loading />
  return (
    <>
      <header class="head">
        <h1>Schedules</h1>
        <p>What fires by itself, when next, and what became of times that were missed.</p>
      </header>
      {site.value.applications.map(({ applicationId, title }) => (
        <section key={applicationId}>
          <h2 class="section">
            <a href={link(['app', applicationId, 'schedules'])}>{title}</a>
          </h2>
          <ScheduleList applicationId={applicationId} />
        </section>
      ))}
    </>
  )
}
