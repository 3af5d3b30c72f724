import { apiPath } from '../core/api.ts'
import type { TopicSummary } from '../core/api-types.ts'
import { count, duration } from '../core/format.ts'
import { link, route, setParams } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Choice, Field } from '../parts/fields.tsx'
import { Rows } from '../parts/rows.tsx'
import { Answer, Empty } from '../parts/state.tsx'

/** The topics of the broker that the applications have to do with. */
export function TopicsView() {
  const topics = useJson<{ topics: readonly TopicSummary[] }>(apiPath(['broker', 'topics']), {
    everyMs: 4_000,
  })
  const { params } = route.value
  const [text, kind, application] = ['q', 'kind', 'app'].map(each => params.get(each) ?? '') as [
    string,
    string,
    string,
  ]
  return (
    <>
      <header class="head">
        <h1>Topics</h1>
        <p>What the applications read and write, and what they keep for themselves.</p>
      </header>
      <Answer of={topics} rows={8}>
        {({ topics: all }) => {
          const found = all.filter(
            topic =>
              topic.name.toLowerCase().includes(text.toLowerCase()) &&
              (kind === '' || topic.kind === kind) &&
              (application === '' || topic.applications.includes(application)),
          )
          return (
            <>
              <div class="filters">
                <Field
                  search
                  label="Name"
                  value={text}
                  placeholder="any"
                  onChange={value => setParams({ q: value })}
                />
                <Choice
                  label="Kind"
                  value={kind}
                  options={choices(all.map(topic => topic.kind))}
                  onChange={value => setParams({ kind: value })}
                />
                <Choice
                  label="Application"
                  value={application}
                  options={choices(all.flatMap(topic => topic.applications))}
                  onChange={value => setParams({ app: value })}
                />
              </div>
              <TopicTable topics={found} />
            </>
          )
        }}
      </Answer>
    </>
  )
}

function TopicTable({ topics }: { readonly topics: readonly TopicSummary[] }) {
  if (topics.length === 0) return <Empty title="No topic is like that." />
  return (
    <Rows
      label="Topics"
      rows={topics}
      keyOf={({ name }) => name}
      linkOf={({ name }) => link(['topics', name])}
      columns={[
        { title: 'Topic', cell: ({ name }) => name, kind: 'wide' },
        { title: 'Kind', cell: ({ kind }) => <span class={`tag ${kind}`}>{kind}</span> },
        { title: 'Applications', cell: ({ applications }) => applications.join(', '), kind: 'minor' },
        { title: 'Partitions', cell: ({ partitionCount }) => partitionCount, kind: 'minor number' },
        { title: 'Records', cell: ({ records }) => count(records), kind: 'number' },
        { title: 'Kept', cell: keptText, kind: 'minor' },
      ]}
    />
  )
}

function keptText({ policy, retentionMs }: TopicSummary): string {
  if (policy === 'compact') return 'the last of each key'
  const time = retentionMs === null || retentionMs < 0 ? 'for ever' : duration(retentionMs)
  return policy.includes('compact') ? `the last of each key, ${time}` : time
}

function choices(values: readonly string[]): (readonly [string, string])[] {
  return [['', 'any'], ...[...new Set(values)].sort().map(value => [value, value] as const)]
}
