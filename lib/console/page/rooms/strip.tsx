import { Fragment } from 'preact'
import type { Live, Plan } from '../core/api-types.ts'
import { rate, short } from '../core/format.ts'
import { link } from '../core/router.ts'
import { isInternal } from '../topology/graph.ts'

interface StripProps {
  readonly applicationId: string
  readonly plan: Plan
  readonly live: Live | undefined
}

/** The topology in a line: topics, and the sub-topologies between them. */
export function Strip({ applicationId, plan, live }: StripProps) {
  const shown = plan.subtopologies.filter(each => !isInternal(each) && !each.global)
  return (
    <nav class="strip" aria-label="Topology in short">
      {shown.map(({ id, sourceTopics, sinkTopics, nodes }, at) => {
        const sources = nodes.filter(({ kind }) => kind === 'source')
        const perSecond = sources.reduce((sum, { name }) => sum + (live?.nodes[name]?.processRate ?? 0), 0)
        const lag = sourceTopics.reduce((sum, topic) => sum + (live?.topics[topic]?.lag ?? 0), 0)
        return (
          <Fragment key={id}>
            {at > 0 && <i class="gap" />}
            <Topics applicationId={applicationId} topics={sourceTopics} />
            <a class={`step ${perSecond > 0 ? 'moving' : ''}`} href={link(['app', applicationId])}>
              <b>{rate(perSecond)}</b>
              <small>{lag > 0 ? `${short(lag)} behind` : 'up to date'}</small>
            </a>
            <Topics applicationId={applicationId} topics={sinkTopics} />
          </Fragment>
        )
      })}
    </nav>
  )
}

function Topics({
  applicationId,
  topics,
}: {
  readonly applicationId: string
  readonly topics: readonly string[]
}) {
  if (topics.length === 0) return null
  return (
    <span class="topics">
      {topics.map(topic => (
        <a key={topic} href={link(['app', applicationId], { show: `topic:${topic}` })}>
          {topic.startsWith(`${applicationId}-`) ? topic.slice(applicationId.length + 1) : topic}
        </a>
      ))}
    </span>
  )
}
