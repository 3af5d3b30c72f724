import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { useKeys } from '../core/keys.ts'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => ComponentChildren
  /** `number`: to the right; `wide`: takes what room is left; `minor`: not on a phone. */
  readonly kind?: 'number' | 'wide' | 'minor' | 'minor number'
}

interface RowsProps<T> {
  readonly label: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly keyOf: (row: T) => string
  /** Where a row leads; its first cell is the link. */
  readonly linkOf?: (row: T) => string
  readonly onOpen?: (row: T) => void
  readonly chosen?: string | undefined
  readonly selected?: ReadonlySet<string>
  readonly onSelect?: (selected: ReadonlySet<string>) => void
}

/** A list as a table: `j` and `k` or the arrows go through it, Enter opens a row. */
export function Rows<T>(props: RowsProps<T>) {
  const { label, rows, columns, selected, onSelect } = props
  const body = useRef<HTMLTableSectionElement>(null)
  const move = (by: number) => moveFocus(body.current, by)
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) })
  return (
    <div class="table">
      <table aria-label={label}>
        <thead>
          <tr>
            {selected && onSelect && (
              <th class="select">
                <input
                  type="checkbox"
                  aria-label="Select all"
                  checked={rows.length > 0 && rows.every(row => selected.has(props.keyOf(row)))}
                  onChange={event =>
                    onSelect(new Set(event.currentTarget.checked ? rows.map(props.keyOf) : []))
                  }
                />
              </th>
            )}
            {columns.map(({ title, kind }) => (
              <th key={title} class={kind ?? ''} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {rows.map(row => (
            <Row key={props.keyOf(row)} {...props} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row<T>({
  row,
  columns,
  keyOf,
  linkOf,
  onOpen,
  chosen,
  selected,
  onSelect,
}: RowsProps<T> & { readonly row: T }) {
  const key = keyOf(row)
  const href = linkOf?.(row)
  const open = () => (href ? (location.hash = href) : onOpen?.(row))
  const isOpenable = href !== undefined || onOpen !== undefined
  return (
    <tr
      class={`${isOpenable ? 'openable' : ''} ${chosen === key ? 'chosen' : ''}`}
      tabIndex={isOpenable ? 0 : undefined}
      aria-current={chosen === key ? 'true' : undefined}
      onClick={event => isOpenable && !isControl(event.target) && open()}
      onKeyDown={event => {
        if (event.key !== 'Enter' || !isOpenable || isControl(event.target)) return
        event.preventDefault()
        open()
      }}
    >
      {selected && onSelect && (
        <td class="select">
          <input
            type="checkbox"
            aria-label={`Select ${key}`}
            checked={selected.has(key)}
            onChange={event => onSelect(changed(selected, key, event.currentTarget.checked))}
          />
        </td>
      )}
      {columns.map(({ title, cell, kind }, at) => (
        <td key={title} class={kind ?? ''}>
          {at === 0 && href ? <a href={href}>{cell(row)}</a> : cell(row)}
        </td>
      ))}
    </tr>
  )
}

function changed(selected: ReadonlySet<string>, key: string, isIn: boolean): ReadonlySet<string> {
  const next = new Set(selected)
  if (isIn) next.add(key)
  else next.delete(key)
  return next
}

const isControl = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('a, button, input, label') !== null

function moveFocus(body: HTMLElement | null, by: number): void {
  const rows = [...(body?.querySelectorAll<HTMLElement>('tr[tabindex]') ?? [])]
  const at = rows.findIndex(row => row === document.activeElement || row.contains(document.activeElement))
  const next = at < 0 ? rows.findIndex(row => row.classList.contains('chosen')) + (by > 0 ? 1 : 0) : at + by
  rows[Math.max(0, Math.min(next, rows.length - 1))]?.focus()
}
