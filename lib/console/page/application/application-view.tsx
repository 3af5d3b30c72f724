import { useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { Live, Plan } from '../core/api-types.ts'
import { useLive } from '../core/live.ts'
import { route, setParams } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { useNarrow } from '../core/use-narrow.ts'
import { Segments } from '../parts/fields.tsx'
import { Answer } from '../parts/state.tsx'
import { choiceText, parseChoice } from '../topology/choice.ts'
import { isInternal } from '../topology/graph.ts'
import { TopologyView } from '../topology/topology-view.tsx'
import { AuditLines } from './audit-lines.tsx'
import { ChoicePanel } from './choice-panel.tsx'
import { Activity } from './activity.tsx'
import { Tasks } from './tasks.tsx'
import { Tiles } from './tiles.tsx'

/** An application at work: its topology with live numbers, and what it has been doing. */
export function ApplicationView({ applicationId }: { readonly applicationId: string }) {
  const plan = useJson<Plan>(appPath(applicationId, ['plan']))
  const feed = useLive(applicationId)
  const live = feed.latest.value
  return (
    <>
      {live?.error && (
        <div class="notice bad" role="alert">
          <div>
            <strong>{live.error.message}</strong>
            <p>
              <code>{live.error.code}</code>
            </p>
          </div>
        </div>
      )}
      <AuditLines applicationId={applicationId} />
      <Tiles plan={plan.data} live={live} past={feed.past.value} />
      <Answer of={plan} rows={6}>
        {data => (
          <Drawing
            applicationId={applicationId}
            plan={data}
            live={live}
            isStale={feed.link.value !== 'open'}
          />
        )}
      </Answer>
      <Tasks live={live} />
      <Activity applicationId={applicationId} live={live} />
    </>
  )
}

interface DrawingProps {
  readonly applicationId: string
  readonly plan: Plan
  readonly live: Live | undefined
  readonly isStale: boolean
}

function Drawing({ applicationId, plan, live, isStale }: DrawingProps) {
  const isNarrow = useNarrow()
  const [withInternal, setInternal] = useState(false)
  const [isWhole, setWhole] = useState(false)
  const chosen = parseChoice(route.value.params.get('show'))
  return (
    <section class={`drawing card ${isStale ? 'stale' : ''}`} aria-label="Topology">
      <header>
        <h2>Topology</h2>
        {isStale && live && <small class="quiet">as it was</small>}
        {plan.subtopologies.some(isInternal) && (
          <label class="check">
            <input type="checkbox" checked={withInternal} onChange={() => setInternal(!withInternal)} />
            The library's own
          </label>
        )}
        <Segments
          label="Size of the drawing"
          value={isWhole ? 'whole' : 'large'}
          options={[
            ['large', 'Readable'],
            ['whole', 'Whole'],
          ]}
          onChange={value => setWhole(value === 'whole')}
        />
      </header>
      <div class="drawing-body">
        <TopologyView
          plan={plan}
          live={live}
          direction={isNarrow ? 'TB' : 'LR'}
          withInternal={withInternal}
          isWhole={isWhole}
          chosen={chosen}
          onChoose={choice => setParams({ show: choiceText(choice) })}
        />
        {chosen && (
          <ChoicePanel
            key={choiceText(chosen)}
            applicationId={applicationId}
            plan={plan}
            choice={chosen}
            onClose={() => setParams({ show: undefined })}
          />
        )}
      </div>
    </section>
  )
}
