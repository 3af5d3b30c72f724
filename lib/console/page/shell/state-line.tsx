import { now } from '../core/now.ts'
import { absentProcess, site, siteError, siteLink } from '../core/site-state.ts'
import { duration } from '../core/format.ts'
import { Icon } from '../parts/icon.tsx'

/** What the visitor must know before the numbers: that some of them stand still, and why. */
export function StateLine() {
  const text = stateText()
  return (
    <div class="state-line" role="status" aria-live="polite">
      {text && (
        <p>
          <Icon name="warning" /> {text}
        </p>
      )}
    </div>
  )
}

function stateText(): string | undefined {
  if (siteError.value && !siteError.value.isPassing) return undefined
  if (siteLink.value === 'lost') return 'The site does not answer. The page asks again until it does.'
  const absent = absentProcess.value
  if (absent) {
    const end = absent.lastEnd
    const since = end ? ` It ended ${duration(now.value - end.atMs)} ago${endReason(end)}.` : ''
    return `Process ${absent.index} is ${absent.state === 'starting' ? 'starting' : 'being restarted'}.${since} What you see is what was known before.`
  }
  const busy = site.value?.applications.find(
    ({ state }) => !['running', 'created'].includes(state.toLowerCase()),
  )
  return busy ? `${busy.title} is ${busy.state.toLowerCase()}.` : undefined
}

function endReason({ exitCode, killedBy }: { exitCode: number | null; killedBy: string | null }): string {
  return killedBy ? ` by ${killedBy}` : exitCode === null ? '' : ` with code ${exitCode}`
}
