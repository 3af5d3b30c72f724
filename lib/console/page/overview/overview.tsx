import { clockTime, rate } from '../core/format.ts'
import { tone } from '../core/labels.ts'
import { link } from '../core/router.ts'
import { siteLog } from '../core/site-log.ts'
import { site, siteError } from '../core/site-state.ts'
import type { Application } from '../core/api-types.ts'
import { Empty, Failure, Loading, State } from '../parts/state.tsx'
import { ProcessCards } from './process-cards.tsx'
import { useInputRates } from './use-input-rates.ts'

/** All of the site in one view: what runs, what it is for, and how it is. */
export function Overview() {
  const rates = useInputRates()
  const current = site.value
  if (!current) return siteError.value ? <Failure error={siteError.value} /> : <Loading rows={8} />
  return (
    <>
      <header class="head">
        <h1>Overview</h1>
        <p>
          Millrace {current.version} on {current.brokers}
        </p>
      </header>
      <section aria-label="Applications" class="cards">
        {current.applications.map(application => (
          <ApplicationCard
            key={application.applicationId}
            application={application}
            inputRate={rates.get(application.applicationId)}
          />
        ))}
        {current.applications.length === 0 && <Empty title="No application runs here yet." />}
      </section>
      <h2 class="section">Processes</h2>
      <ProcessCards site={current} />
      <h2 class="section">What has happened</h2>
      <SiteEvents />
    </>
  )
}

interface ApplicationCardProps {
  readonly application: Application
  readonly inputRate: number | undefined
}

function ApplicationCard({ application, inputRate }: ApplicationCardProps) {
  const { applicationId, title, description, problem, state, room } = application
  return (
    <article class="card room-card">
      <header>
        <h2>
          <a href={link(['app', applicationId])}>{title}</a>
        </h2>
        <State state={state} />
      </header>
      <p class="lead">{description}</p>
      {problem.length > 0 && (
        <ul class="problem">
          {problem.map(sentence => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      <footer>
        <span class="in-rate" title="Records a second into its topics">
          <strong>{rate(inputRate)}</strong> in
        </span>
        {room && (
          <a class="button primary" href={link(['app', applicationId, 'room'])}>
            Enter the room
          </a>
        )}
        <a class="button" href={link(['app', applicationId])}>
          Topology
        </a>
      </footer>
    </article>
  )
}

export function SiteEvents() {
  if (siteLog.value.length === 0) return <p class="quiet">Nothing has changed since this page was opened.</p>
  return (
    <ol class="events">
      {siteLog.value.map(({ atMs, text, state }) => (
        <li key={`${atMs} ${text}`}>
          <time>{clockTime(atMs)}</time>
          <i class={`dot ${tone(state)}`} />
          {text}
        </li>
      ))}
    </ol>
  )
}
