import { useMemo, useState } from 'preact/hooks'
import { apiPath } from '../core/api.ts'
import type { TopicSummary } from '../core/api-types.ts'
import { go, link } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { useJson } from '../core/use-json.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { APP_TABS } from './app-tabs.ts'
import { PLACES } from './places.ts'

interface Hit {
  readonly title: string
  readonly kind: string
  readonly icon: IconName
  readonly href: string
}

const SHOWN = 12

/** A search over all that has an address. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const topics = useJson<{ topics: readonly TopicSummary[] }>(apiPath(['broker', 'topics']))
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const all = useMemo(() => everything(topics.data?.topics ?? []), [topics.data, site.value])
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const hits = all
    .filter(({ title, kind }) => words.every(word => `${title} ${kind}`.toLowerCase().includes(word)))
    .slice(0, SHOWN)
  const open = (hit: Hit | undefined) => {
    if (!hit) return
    onClose()
    go(hit.href)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (by !== 0) setAt((at + by + hits.length) % Math.max(hits.length, 1))
    else if (event.key === 'Enter') open(hits[at])
    else return
    event.preventDefault()
  }
  return (
    <Dialog title="Search" onClose={onClose}>
      <input
        class="palette-input"
        type="search"
        autofocus
        placeholder="Applications, topics, views…"
        aria-label="Search everywhere"
        aria-controls="palette-hits"
        value={text}
        onInput={event => (setText(event.currentTarget.value), setAt(0))}
        onKeyDown={onKeyDown}
      />
      <ul id="palette-hits" class="hits" role="listbox" aria-label="Found">
        {hits.map((hit, index) => (
          <li key={hit.href} role="option" aria-selected={index === at} onClick={() => open(hit)}>
            <Icon name={hit.icon} />
            <span>{hit.title}</span>
            <small>{hit.kind}</small>
          </li>
        ))}
        {hits.length === 0 && <li class="quiet">Nothing is called that.</li>}
      </ul>
    </Dialog>
  )
}

function everything(topics: readonly TopicSummary[]): Hit[] {
  const applications = site.value?.applications ?? []
  return [
    ...PLACES.map(({ title, icon, path }) => ({ title, icon, kind: 'view', href: link([path]) })),
    ...applications.flatMap(({ applicationId, title, room }) =>
      APP_TABS.filter(({ path }) => path !== 'room' || room).map(tab => ({
        title: tab.path === '' ? title : `${title}: ${tab.title}`,
        kind: 'application',
        icon: tab.icon,
        href: link(['app', applicationId, ...(tab.path === '' ? [] : [tab.path])]),
      })),
    ),
    ...topics.map(({ name, kind }) => ({
      title: name,
      kind: `topic, ${kind}`,
      icon: 'topics' as const,
      href: link(['topics', name]),
    })),
  ]
}
