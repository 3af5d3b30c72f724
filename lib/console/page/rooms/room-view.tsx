import { useEffect, useRef, useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { Application, Plan } from '../core/api-types.ts'
import { useLive } from '../core/live.ts'
import { go, route, setParams } from '../core/router.ts'
import { applicationOf, site } from '../core/site-state.ts'
import { after } from '../core/time.ts'
import { useJson } from '../core/use-json.ts'
import { Icon } from '../parts/icon.tsx'
import { Loading } from '../parts/state.tsx'
import { tell } from '../parts/toasts.tsx'
import { AuditLines } from '../application/audit-lines.tsx'
import { loadRoom, type MountedRoom, type RoomModule } from './room-module.ts'
import { Strip } from './strip.tsx'

/** What the application has to show of its own, below a strip of its topology. */
export function RoomView({ applicationId }: { readonly applicationId: string }) {
  const application = applicationOf(applicationId)
  const plan = useJson<Plan>(appPath(applicationId, ['plan']))
  const live = useLive(applicationId).latest.value
  if (!application?.room) return null
  return (
    <>
      {application.problem.length > 0 && <p class="problem-line">{application.problem.join(' ')}</p>}
      {plan.data && <Strip applicationId={applicationId} plan={plan.data} live={live} />}
      <AuditLines applicationId={applicationId} />
      <Room application={application} base={application.room} />
    </>
  )
}

type RoomState = 'loading' | 'mounted' | 'page' | { readonly error: string }

const RETRY_MS = 1_500

interface RoomProps {
  readonly application: Application
  readonly base: string
}

function Room({ application, base }: RoomProps) {
  const place = useRef<HTMLDivElement>(null)
  const [state, setState] = useState<RoomState>('loading')
  const [round, setRound] = useState(0)
  useEffect(() => {
    const abort = new AbortController()
    let room: MountedRoom | undefined
    let cancelRetry = () => {}
    const open = async () => {
      const module = await loadRoom(base, abort.signal)
      const element = place.current
      if (abort.signal.aborted || !element) return
      if (!module) return setState('page')
      room = await mount(module, element, { application, base })
      // The visitor may have left while it was mounted.
      if (abort.signal.aborted) room.unmount()
      else setState('mounted')
    }
    open().catch((error: unknown) => {
      if (abort.signal.aborted) return
      setState({ error: error instanceof Error ? error.message : String(error) })
      cancelRetry = after(RETRY_MS, () => setRound(before => before + 1))
    })
    return () => {
      abort.abort()
      cancelRetry()
      room?.unmount()
    }
  }, [base, round])
  return (
    <>
      {state === 'loading' && <Loading rows={6} />}
      {typeof state === 'object' && (
        <div class="notice busy" role="status">
          <Icon name="warning" />
          <div>
            <strong>The room does not open at the moment.</strong>
            <p>{state.error} The page tries again by itself.</p>
          </div>
        </div>
      )}
      <div ref={place} class="room" />
      {state === 'page' && <OwnPage title={application.title} base={base} />}
    </>
  )
}

/** A service without a module shows the page that it has: from the same origin, in a frame. */
function OwnPage({ title, base }: { readonly title: string; readonly base: string }) {
  return (
    <div class="own-page">
      <a class="button" href={base} target="_blank" rel="noreferrer">
        Open it alone
      </a>
      <iframe src={base} title={title} />
    </div>
  )
}

function mount(module: RoomModule, element: HTMLElement, { application, base }: RoomProps) {
  return Promise.resolve(
    module.mount(element, {
      base,
      site: {
        application,
        current: () => site.peek(),
        tell,
        go,
        params: () => route.peek().params,
        setParams,
      },
    }),
  )
}
