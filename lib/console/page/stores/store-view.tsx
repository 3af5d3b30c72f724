import { appPath } from '../core/api.ts'
import type { StoreDescription } from '../core/api-types.ts'
import { count } from '../core/format.ts'
import { link, route, setParams } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Segments } from '../parts/fields.tsx'
import { Answer, Empty } from '../parts/state.tsx'
import { EntryPanel } from './entry-panel.tsx'
import { KeyForm } from './key-form.tsx'
import { RangeView } from './range-view.tsx'
import { readingOf, type Reading } from './store-kind.ts'
import { StoreChanges } from './store-changes.tsx'

interface StoreViewProps {
  readonly applicationId: string
  readonly name: string
}

/** What one store holds: by key, prefix, range, window or time, and as it changes. */
export function StoreView({ applicationId, name }: StoreViewProps) {
  const stores = useJson<{ stores: readonly StoreDescription[] }>(appPath(applicationId, ['stores']), {
    everyMs: 5_000,
  })
  return (
    <Answer of={stores}>
      {data => {
        const store = data.stores.find(each => each.name === name)
        return store ? (
          <OneStore applicationId={applicationId} store={store} />
        ) : (
          <Empty title={`There is no store "${name}" that can be read.`}>
            <a href={link(['app', applicationId, 'store'])}>See those that there are.</a>
          </Empty>
        )
      }}
    </Answer>
  )
}

function OneStore({
  applicationId,
  store,
}: {
  readonly applicationId: string
  readonly store: StoreDescription
}) {
  const { params } = route.value
  const reading = readingOf(store.kind)
  const key = params.get('key')
  const mode = params.get('mode') ?? 'rows'
  return (
    <>
      <header class="sub-head">
        <h2>{store.name}</h2>
        <p>
          {store.kind}, {store.keySerde ?? 'own'} keys, {store.valueSerde ?? 'own'} values
          {store.lag ? `, ${count(store.lag)} behind` : ''}
        </p>
        <Segments
          label="What is shown"
          value={mode}
          options={[
            ['rows', reading === 'key-value' ? 'Rows' : 'By key'],
            ['changes', 'Live changes'],
          ]}
          onChange={next => setParams({ mode: next === 'rows' ? undefined : next })}
        />
      </header>
      <div class="with-panel">
        <div class="list">{body({ applicationId, store, mode, reading })}</div>
        {key !== null && (
          <EntryPanel
            key={key}
            applicationId={applicationId}
            name={store.name}
            reading={reading}
            entryKey={key}
          />
        )}
      </div>
    </>
  )
}

interface BodyOptions {
  readonly applicationId: string
  readonly store: StoreDescription
  readonly mode: string
  readonly reading: Reading
}

function body({ applicationId, store, mode, reading }: BodyOptions) {
  if (mode === 'changes') return <StoreChanges applicationId={applicationId} name={store.name} />
  if (reading === 'key-value') return <RangeView applicationId={applicationId} name={store.name} />
  return <KeyForm reading={reading} />
}
