import type { ComponentChildren } from 'preact'
import { BreakButtons } from '../overview/break-buttons.tsx'
import type { Site } from '../core/api-types.ts'
import { link } from '../core/router.ts'
import { applicationOf, site } from '../core/site-state.ts'
import { Empty, Loading, State } from '../parts/state.tsx'
import { APP_TABS } from './app-tabs.ts'

interface AppFrameProps {
  readonly applicationId: string
  readonly tab: string
  readonly children: ComponentChildren
}

/** The head of an application's views: what it is, how it is, and the way between them. */
export function AppFrame({ applicationId, tab, children }: AppFrameProps) {
  const application = applicationOf(applicationId)
  if (!site.value) return <Loading />
  if (!application) {
    return (
      <Empty title={`There is no application "${applicationId}" on this site.`}>
        <a href={link(['overview'])}>See those that there are.</a>
      </Empty>
    )
  }
  return (
    <>
      <header class="head">
        <h1>{application.title}</h1>
        <State state={application.state} />
        <Break site={site.value} />
        <p>{application.description}</p>
      </header>
      <nav class="tabs" aria-label={application.title}>
        {APP_TABS.filter(({ path }) => path !== 'room' || application.room).map(({ path, title }) => (
          <a
            key={path}
            href={link(['app', applicationId, ...(path === '' ? [] : [path])])}
            aria-current={path === tab ? 'page' : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      {children}
    </>
  )
}

/** Beside what a visitor watches, so that it can be broken there. */
function Break({ site: { canBreak, processes } }: { readonly site: Site }) {
  const [process, ...others] = processes
  if (!canBreak || !process) return null
  if (others.length === 0) return <BreakButtons process={process} />
  return (
    <span class="break-buttons">
      <a class="button" href={link(['processes'])}>
        Break a process
      </a>
    </span>
  )
}
