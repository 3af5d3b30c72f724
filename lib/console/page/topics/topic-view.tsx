import { useEffect, useState } from 'preact/hooks'
import { apiPath, request } from '../core/api.ts'
import type { RecordsPage, TopicRecord, TopicSummary } from '../core/api-types.ts'
import { count, plural } from '../core/format.ts'
import { link, route, setParams } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Choice, Field, Segments } from '../parts/fields.tsx'
import { Answer, Empty } from '../parts/state.tsx'
import { attempt } from '../parts/toasts.tsx'
import { FollowRecords } from './follow-records.tsx'
import { recordFilters, recordParams, setFilter } from './record-filters.ts'
import { RecordPanel } from './record-panel.tsx'
import { placeOf, RecordTable } from './record-table.tsx'

const PAGE = 100

/** The records of one topic. */
export function TopicView({ name }: { readonly name: string }) {
  const topics = useJson<{ topics: readonly TopicSummary[] }>(apiPath(['broker', 'topics']))
  const topic = topics.data?.topics.find(each => each.name === name)
  const follows = route.value.params.get('follow') === 'true'
  const [chosen, setChosen] = useState<TopicRecord | undefined>(undefined)
  return (
    <>
      <header class="head">
        <h1>{name}</h1>
        {topic && <span class={`tag ${topic.kind}`}>{topic.kind}</span>}
        <Segments
          label="How records are shown"
          value={follows ? 'follow' : 'browse'}
          options={[
            ['browse', 'Browse'],
            ['follow', 'Follow'],
          ]}
          onChange={value => setParams({ follow: value === 'follow' })}
        />
        <p>
          {topic
            ? `${count(topic.records)} records in ${plural(topic.partitionCount, 'partition')}, cleanup by ${topic.policy}`
            : ' '}{' '}
          {topic?.applications.map(id => (
            <a key={id} href={link(['app', id], { show: `topic:${name}` })}>
              {id}{' '}
            </a>
          ))}
        </p>
      </header>
      <Filters partitionCount={topic?.partitionCount ?? 1} follows={follows} />
      <div class="with-panel">
        <div class="list">
          {follows ? (
            <FollowRecords name={name} onOpen={setChosen} />
          ) : (
            <Browse name={name} chosen={chosen} onOpen={setChosen} />
          )}
        </div>
        {chosen && (
          <RecordPanel
            key={placeOf(chosen)}
            topic={name}
            record={chosen}
            onClose={() => setChosen(undefined)}
          />
        )}
      </div>
    </>
  )
}

function Filters({
  partitionCount,
  follows,
}: {
  readonly partitionCount: number
  readonly follows: boolean
}) {
  const filters = recordFilters()
  const partitions = Array.from({ length: partitionCount }, (_, at) => [String(at), String(at)] as const)
  return (
    <div class="filters">
      <Field
        search
        label="Contains"
        value={filters.contains}
        placeholder="text in the value"
        onChange={value => setFilter('contains', value)}
      />
      <Field label="Key" value={filters.key} placeholder="any" onChange={value => setFilter('key', value)} />
      <Choice
        label="Partition"
        value={filters.partition}
        options={[['', 'all'], ...partitions]}
        onChange={value => setFilter('partition', value)}
      />
      {!follows && (
        <>
          <Field
            label="Offset"
            value={filters.offset}
            placeholder="any"
            onChange={value => setFilter('offset', value)}
          />
          <Field
            label="Since"
            value={filters.since}
            placeholder="15m, or a time"
            onChange={value => setFilter('since', value)}
          />
          <Choice
            label="Order"
            value={filters.order}
            options={[
              ['end', 'newest first'],
              ['start', 'oldest first'],
            ]}
            onChange={value => setFilter('order', value)}
          />
        </>
      )}
      <Choice
        label="Isolation"
        value={filters.isolation}
        options={[
          ['committed', 'committed'],
          ['uncommitted', 'uncommitted too'],
        ]}
        onChange={value => setFilter('isolation', value)}
      />
      <Choice
        label="Format"
        value={filters.format}
        options={(['auto', 'json', 'text', 'hex'] as const).map(each => [each, each])}
        onChange={value => setFilter('format', value)}
      />
    </div>
  )
}

interface BrowseProps {
  readonly name: string
  readonly chosen: TopicRecord | undefined
  readonly onOpen: (record: TopicRecord) => void
}

function Browse({ name, chosen, onOpen }: BrowseProps) {
  const filters = recordFilters()
  const params = { ...recordParams(filters), limit: PAGE }
  const path = apiPath(['broker', 'topics', name, 'records'], params)
  const first = useJson<RecordsPage>(path)
  const [more, setMore] = useState<readonly RecordsPage[]>([])
  useEffect(() => setMore([]), [first.data])
  useEffect(() => {
    const isNamed = ({ partition, offset }: TopicRecord) =>
      String(offset) === filters.offset &&
      (filters.partition === '' || String(partition) === filters.partition)
    const named = filters.offset === '' ? undefined : first.data?.records.find(isNamed)
    if (named) onOpen(named)
  }, [first.data])
  const next = (more.at(-1) ?? first.data)?.next
  const loadMore = () =>
    attempt(async () => {
      const page = await request<RecordsPage>(
        apiPath(['broker', 'topics', name, 'records'], { ...params, cursor: next }),
      )
      setMore([...more, page])
    })
  return (
    <Answer of={first} rows={8}>
      {({ records }) => {
        const all = [...records, ...more.flatMap(page => page.records)]
        return (
          <>
            {all.length > 0 ? (
              <RecordTable records={all} chosen={chosen} onOpen={onOpen} />
            ) : (
              <Empty title={next ? 'None of the records looked at is like that.' : 'No record is like that.'}>
                {next && '“More” looks further.'}
              </Empty>
            )}
            <nav class="pager" aria-label="Pages">
              <button type="button" onClick={first.reload}>
                Read again
              </button>
              <span>{count(all.length)} shown</span>
              <button type="button" disabled={!next} onClick={() => void loadMore()}>
                More
              </button>
            </nav>
          </>
        )
      }}
    </Answer>
  )
}
