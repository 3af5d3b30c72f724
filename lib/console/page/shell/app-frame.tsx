import type { ComponentChildren } from 'preact'
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
