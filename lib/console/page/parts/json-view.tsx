import { useState } from 'preact/hooks'
import { count } from '../core/format.ts'
import { Copy } from './copy.tsx'

/** A value as a tree, or as text: open to a depth, the rest on demand. */
export function JsonView({ value, label = 'value' }: { readonly value: unknown; readonly label?: string }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)
  return (
    <div class="json">
      <div class="json-tools">
        <Copy text={text ?? ''} label={`Copy ${label}`} />
      </div>
      <Branch value={value} depth={0} />
    </div>
  )
}

const OPEN_DEPTH = 2
const SHOWN = 100

function Branch({ value, depth }: { readonly value: unknown; readonly depth: number }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH)
  const [shown, setShown] = useState(SHOWN)
  if (value === null || typeof value !== 'object') return <Leaf value={value} />
  const isList = Array.isArray(value)
  const entries = Object.entries(value)
  const [left, right] = isList ? ['[', ']'] : ['{', '}']
  if (entries.length === 0) return <span class="punct">{left + right}</span>
  return (
    <span>
      <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {left}
        {!open && (
          <em>
            {count(entries.length)} {isList ? 'items' : 'fields'}
          </em>
        )}
        {!open && right}
      </button>
      {open && (
        <>
          <ul>
            {entries.slice(0, shown).map(([name, each]) => (
              <li key={name}>
                {!isList && <span class="name">{name}: </span>}
                <Branch value={each} depth={depth + 1} />
              </li>
            ))}
            {entries.length > shown && (
              <li>
                <button type="button" class="plain" onClick={() => setShown(shown + 10 * SHOWN)}>
                  {count(entries.length - shown)} more
                </button>
              </li>
            )}
          </ul>
          <span class="punct">{right}</span>
        </>
      )}
    </span>
  )
}

function Leaf({ value }: { readonly value: unknown }) {
  if (typeof value === 'string') return <span class="text">{value === '' ? '""' : value}</span>
  const kind = value === null || value === undefined ? 'null' : typeof value
  return <span class={kind}>{String(value)}</span>
}
