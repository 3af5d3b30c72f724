import { useState } from 'preact/hooks'
import { after } from '../core/time.ts'
import { Icon } from './icon.tsx'

export function Copy({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    await writeText(text)
    setDone(true)
    after(1_500, () => setDone(false))
  }
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={done ? 'Copied' : label}
      title={label}
      onClick={() => void copy()}
    >
      <Icon name={done ? 'check' : 'copy'} size={14} />
    </button>
  )
}

/** Pages that came over plain HTTP from another machine have no clipboard of the newer kind. */
async function writeText(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text)
    return
  }
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
