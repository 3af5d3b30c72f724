import type { ControlEntry } from '../core/api-types.ts'
import { ago } from '../core/format.ts'
import { now } from '../core/now.ts'
import { Icon } from '../parts/icon.tsx'
import { attempt } from '../parts/toasts.tsx'
import { sendCommand, targetText } from './use-control.ts'

interface CommandListProps {
  readonly applicationId: string
  readonly commands: readonly ControlEntry[]
  readonly onDone: () => void
}

const WORDS: Readonly<Record<string, string>> = { pause: 'paused', ignore: 'ignored', skip: 'skipped' }

/** Commands in effect, each with the way to take it back. */
export function CommandList({ applicationId, commands, onDone }: CommandListProps) {
  if (commands.length === 0)
    return <p class="quiet">No command is in effect: everything runs as the topology says.</p>
  const resume = async (command: ControlEntry) => {
    const sent = { applicationId, action: 'resume' as const, target: command.target }
    if (await attempt(() => sendCommand(sent), `${targetText(command.target)} goes on.`)) onDone()
  }
  return (
    <ul class="commands">
      {commands.map(command => (
        <li key={targetText(command.target)}>
          <span class="tag busy">{WORDS[command.do] ?? command.do}</span>
          <div>
            <strong>{targetText(command.target)}</strong>
            <small>
              by {command.by}, {ago(command.at, now.value)}
              {command.reason && `: ${command.reason}`}
            </small>
          </div>
          <button type="button" onClick={() => void resume(command)}>
            <Icon name="play" /> Resume
          </button>
        </li>
      ))}
    </ul>
  )
}
