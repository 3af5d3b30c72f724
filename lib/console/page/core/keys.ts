import { useEffect, useRef } from 'preact/hooks'
import { after } from './time.ts'

type Handlers = Readonly<Record<string, (event: KeyboardEvent) => void>>

const SECOND_KEY_MS = 1_200
let first = ''
let forget = () => {}

/**
 * Calls the handler of a key, or of two in turn (`g t`), unless somebody is writing. Later ones come first:
 * a dialog's `Escape` is not its page's.
 */
export function useKeys(handlers: Handlers): void {
  const entry = useRef({ handlers }).current
  entry.handlers = handlers
  useEffect(() => {
    stack.push(entry)
    return () => void stack.splice(stack.indexOf(entry), 1)
  }, [])
}

const stack: { handlers: Handlers }[] = []

addEventListener('keydown', event => {
  if (event.defaultPrevented || event.altKey) return
  const key = event.ctrlKey || event.metaKey ? `mod+${event.key.toLowerCase()}` : event.key
  if (isWriting(event.target) && key !== 'Escape' && !key.startsWith('mod+')) return
  const both = first === '' ? key : `${first} ${key}`
  forget()
  first = ''
  for (const { handlers } of [...stack].reverse()) {
    const handler = handlers[both] ?? handlers[key]
    if (!handler) continue
    event.preventDefault()
    handler(event)
    return
  }
  if (key !== 'g') return
  first = key
  forget = after(SECOND_KEY_MS, () => (first = ''))
})

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
  )
}
