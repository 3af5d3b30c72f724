import type { ComponentChildren } from 'preact'
import { ApplicationView } from '../application/application-view.tsx'
import { ControlOverview } from '../control/control-overview.tsx'
import { ControlView } from '../control/control-view.tsx'
import { ScheduleOverview } from '../control/schedule-overview.tsx'
import { SchedulesView } from '../control/schedules-view.tsx'
import { link, route } from '../core/router.ts'
import { applicationOf, siteError } from '../core/site-state.ts'
import { LetterOverview } from '../letters/letter-overview.tsx'
import { LettersView } from '../letters/letters-view.tsx'
import { Overview } from '../overview/overview.tsx'
import { ProcessesView } from '../overview/processes-view.tsx'
import { Empty } from '../parts/state.tsx'
import { RoomView } from '../rooms/room-view.tsx'
import { StoreOverview } from '../stores/store-overview.tsx'
import { StoreView } from '../stores/store-view.tsx'
import { StoresView } from '../stores/stores-view.tsx'
import { TopicView } from '../topics/topic-view.tsx'
import { TopicsView } from '../topics/topics-view.tsx'
import { APP_TABS } from './app-tabs.ts'
import { AppFrame } from './app-frame.tsx'
import { PLACES } from './places.ts'
import { SignIn } from './sign-in.tsx'

/** What the address names. */
export function View() {
  const [place = 'overview', ...rest] = route.value.path
  if (siteError.value?.status === 401) return <SignIn />
  switch (place) {
    case 'overview':
      return <Overview />
    case 'topics':
      return rest[0] === undefined ? <TopicsView /> : <TopicView key={rest[0]} name={rest[0]} />
    case 'stores':
      return <StoreOverview />
    case 'letters':
      return <LetterOverview />
    case 'schedules':
      return <ScheduleOverview />
    case 'control':
      return <ControlOverview />
    case 'processes':
      return <ProcessesView />
    case 'app':
      return rest[0] === undefined ? <Overview /> : <AppView applicationId={rest[0]} rest={rest.slice(1)} />
    default:
      return <Nowhere />
  }
}

function AppView({
  applicationId,
  rest,
}: {
  readonly applicationId: string
  readonly rest: readonly string[]
}) {
  const [tab = '', id] = rest
  const view = appView(applicationId, tab, id)
  if (!view) return <Nowhere />
  return (
    <AppFrame applicationId={applicationId} tab={tab}>
      {view}
    </AppFrame>
  )
}

function appView(applicationId: string, tab: string, id: string | undefined): ComponentChildren {
  switch (tab) {
    case '':
      return <ApplicationView key={applicationId} applicationId={applicationId} />
    case 'room':
      return <RoomView key={applicationId} applicationId={applicationId} />
    case 'store':
      return id === undefined ? (
        <StoresView applicationId={applicationId} />
      ) : (
        <StoreView key={`${applicationId} ${id}`} applicationId={applicationId} name={id} />
      )
    case 'letters':
      return <LettersView key={applicationId} applicationId={applicationId} id={id} />
    case 'schedules':
      return <SchedulesView key={applicationId} applicationId={applicationId} id={id} />
    case 'control':
      return <ControlView key={applicationId} applicationId={applicationId} />
    default:
      return undefined
  }
}

function Nowhere() {
  return (
    <Empty title="There is no such place.">
      <a href={link(['overview'])}>To the overview</a>
    </Empty>
  )
}

/** The title of the browser's tab. */
export function titleOf([place = 'overview', name, tab, id]: readonly string[]): string {
  if (place !== 'app') return name ?? PLACES.find(({ path }) => path === place)?.title ?? 'Console'
  const title = applicationOf(name ?? '')?.title ?? name ?? ''
  const part = APP_TABS.find(({ path }) => path === tab)?.title
  return [id, part, title].filter(Boolean).join(' · ')
}
