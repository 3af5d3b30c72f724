import { apiPath, appPath } from '../core/api.ts'
import type { Plan, PlanNode, RecordsPage, StoreEntry } from '../core/api-types.ts'
import { bytes, clockTime, count, oneLine, rate, short } from '../core/format.ts'
import { nodeLabel } from '../core/labels.ts'
import { useLive } from '../core/live.ts'
import { link } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Facts } from '../parts/fields.tsx'
import { Panel } from '../parts/panel.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { Answer } from '../parts/state.tsx'
import type { Choice } from '../topology/choice.ts'
import { PartitionTable } from '../topics/partition-table.tsx'

interface ChoicePanelProps {
  readonly applicationId: string
  readonly plan: Plan
  readonly choice: Choice
  readonly onClose: () => void
}

/** What is in a box of the drawing. */
export function ChoicePanel({ applicationId, plan, choice, onClose }: ChoicePanelProps) {
  const { kind, name } = choice
  return (
    <Panel kind={kind} title={kind === 'node' ? nodeLabel(name) : name} onClose={onClose}>
      {kind === 'topic' ? (
        <TopicPart applicationId={applicationId} name={name} />
      ) : kind === 'store' ? (
        <StorePart applicationId={applicationId} name={name} />
      ) : (
        <NodePart applicationId={applicationId} plan={plan} name={name} />
      )}
    </Panel>
  )
}

interface PartProps {
  readonly applicationId: string
  readonly name: string
}

function TopicPart({ applicationId, name }: PartProps) {
  const live = useLive(applicationId).latest.value?.topics[name]
  const records = useJson<RecordsPage>(
    apiPath(['broker', 'topics', name, 'records'], { from: 'end', limit: 12 }),
    {
      everyMs: 3_000,
    },
  )
  return (
    <>
      <Facts
        facts={[
          ['Appends', rate(live?.rate)],
          ['Lag', live?.lag === null ? 'not read' : count(live?.lag)],
        ]}
      />
      {live && <PartitionTable partitions={live.partitions} />}
      <h3>Last records</h3>
      <Answer of={records}>
        {({ records: last }) => (
          <ul class="glance">
            {last.map(({ partition, offset, key, value, timestampMs }) => (
              <li key={`${partition} ${offset}`}>
                <a href={link(['topics', name], { partition, offset })}>
                  <b>{oneLine(key)}</b>
                  <time>{clockTime(timestampMs)}</time>
                  <span>{value === null ? 'tombstone' : oneLine(value)}</span>
                </a>
              </li>
            ))}
            {last.length === 0 && <li class="quiet">The topic is empty.</li>}
          </ul>
        )}
      </Answer>
      <a class="button" href={link(['topics', name])}>
        Open the topic
      </a>
    </>
  )
}

function StorePart({ applicationId, name }: PartProps) {
  const live = useLive(applicationId).latest.value?.stores.find(store => store.name === name)
  const rows = useJson<{ entries: readonly StoreEntry[] }>(
    live?.kind === undefined || live.kind.includes('key-value') || live.kind.includes('keyValue')
      ? appPath(applicationId, ['stores', name], { limit: 12 })
      : undefined,
    { everyMs: 3_000 },
  )
  return (
    <>
      <Facts
        facts={[
          ['Kind', live?.kind],
          ['Keys, about', short(live?.keys)],
          ['Memory', bytes(live?.bytes)],
          ['Lag', count(live?.lag)],
          ['Partitions', live?.partitions.join(', ')],
          [
            'Changelog',
            live?.changelogTopic && <a href={link(['topics', live.changelogTopic])}>{live.changelogTopic}</a>,
          ],
        ]}
      />
      {rows.data && <h3>First rows</h3>}
      {rows.data && (
        <ul class="glance">
          {rows.data.entries.map(({ key, value }) => (
            <li key={oneLine(key)}>
              <a href={link(['app', applicationId, 'store', name], { key: oneLine(key) })}>
                <b>{oneLine(key)}</b>
                <span>{oneLine(value)}</span>
              </a>
            </li>
          ))}
          {rows.data.entries.length === 0 && <li class="quiet">The store is empty.</li>}
        </ul>
      )}
      <a class="button" href={link(['app', applicationId, 'store', name])}>
        Open the store
      </a>
    </>
  )
}

function NodePart({ applicationId, plan, name }: PartProps & { readonly plan: Plan }) {
  const feed = useLive(applicationId)
  const live = feed.latest.value?.nodes[name]
  const all = plan.subtopologies.flatMap(({ nodes }) => nodes)
  const node = all.find(each => each.name === name)
  if (!node) return <p class="quiet">The topology has no such node any more.</p>
  const parents = all.filter(({ children }) => children?.includes(name))
  return (
    <>
      <Sparkline
        values={feed.past.value.map(({ nodes }) => nodes[name]?.processRate ?? null)}
        label="Records a second"
        width={320}
        height={64}
      />
      <Facts
        facts={[
          ['Name', <code>{name}</code>],
          ['Kind', kindOf(node)],
          ['Now', rate(live?.processRate)],
          ['Records in all', count(live?.processTotal)],
          ['Reads', node.topics && <TopicLinks topics={node.topics} />],
          ['Writes', node.topic && <TopicLinks topics={[node.topic]} />],
          [
            'Dead letters',
            node.ownTopics && (
              <a href={link(['app', applicationId, 'letters'], { operator: name })}>see them</a>
            ),
          ],
          [
            'Serdes',
            node.kind === 'processor'
              ? undefined
              : `${node.keySerde ?? 'default'} → ${node.valueSerde ?? 'default'}`,
          ],
          [
            'Stores',
            node.stores?.length ? (
              <NodeStores applicationId={applicationId} stores={node.stores} />
            ) : undefined,
          ],
          ['From', parents.length > 0 ? parents.map(each => nodeLabel(each.name)).join(', ') : undefined],
          ['To', node.children?.length ? node.children.map(nodeLabel).join(', ') : undefined],
        ]}
      />
    </>
  )
}

function kindOf({ kind, retry, async, schedule }: PlanNode): string {
  return [kind, retry && 'with retry', async && 'asynchronous', schedule && 'schedule']
    .filter(Boolean)
    .join(', ')
}

function TopicLinks({ topics }: { readonly topics: readonly string[] }) {
  return (
    <>
      {topics.map(topic => (
        <a key={topic} href={link(['topics', topic])}>
          {topic}{' '}
        </a>
      ))}
    </>
  )
}

function NodeStores({
  applicationId,
  stores,
}: {
  readonly applicationId: string
  readonly stores: readonly string[]
}) {
  return (
    <>
      {stores.map(store => (
        <a key={store} href={link(['app', applicationId, 'store', store])}>
          {store}{' '}
        </a>
      ))}
    </>
  )
}
