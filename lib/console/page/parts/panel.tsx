import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useKeys } from '../core/keys.ts'
import { Icon } from './icon.tsx'

interface PanelProps {
  readonly title: string
  readonly kind: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** What was clicked, beside the rest; on a phone over it, from below. */
export function Panel({ title, kind, onClose, children }: PanelProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useKeys({ Escape: onClose })
  useEffect(() => heading.current?.focus({ preventScroll: true }), [title])
  return (
    <aside class="panel" aria-label={`${kind} ${title}`}>
      <header>
        <div>
          <small>{kind}</small>
          <h2 ref={heading} tabIndex={-1}>
            {title}
          </h2>
        </div>
        <button type="button" class="icon-button" aria-label="Close the panel" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div class="panel-body">{children}</div>
    </aside>
  )
}
