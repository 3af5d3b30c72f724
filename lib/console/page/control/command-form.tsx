import { useState } from 'preact/hooks'
import type { ControlTarget } from '../core/api-types.ts'
import { Choice } from '../parts/fields.tsx'
import { attempt } from '../parts/toasts.tsx'
import { sendCommand, targetText } from './use-control.ts'

interface CommandFormProps {
  readonly applicationId: string
  readonly operators: readonly string[]
  readonly onDone: () => void
}

type Scope = 'operator' | 'key' | 'partition'

type Action = 'pause' | 'ignore' | 'resume'

interface Wanted {
  readonly action: Action
  readonly operator: string
  readonly scope: Scope
  readonly text: string
  readonly note: string
}

/** A command about an operator, one of its keys or one of its partitions. */
export function CommandForm({ applicationId, operators, onDone }: CommandFormProps) {
  const [wanted, setWanted] = useState<Wanted>({
    action: 'pause',
    operator: operators[0] ?? '',
    scope: 'key',
    text: '',
    note: '',
  })
  const change = (changes: Partial<Wanted>) => setWanted(before => ({ ...before, ...changes }))
  const { action, note } = wanted
  const target = targetOf(wanted)
  const send = async () => {
    if (!target) return
    const sending = () => sendCommand({ applicationId, action, target, note })
    if (!(await attempt(sending, `${action}: ${targetText(target)}.`))) return
    change({ note: '' })
    onDone()
  }
  return (
    <form
      class="filters"
      aria-label="A command"
      onSubmit={event => {
        event.preventDefault()
        void send()
      }}
    >
      <CommandFields operators={operators} wanted={wanted} onChange={change} />
      <button type="submit" class="primary" disabled={!target}>
        Send
      </button>
    </form>
  )
}

interface CommandFieldsProps {
  readonly operators: readonly string[]
  readonly wanted: Wanted
  readonly onChange: (changes: Partial<Wanted>) => void
}

function CommandFields({ operators, wanted, onChange }: CommandFieldsProps) {
  const { action, operator, scope, text, note } = wanted
  return (
    <>
      <Choice
        label="Do"
        value={action}
        options={[
          ['pause', 'pause'],
          ['ignore', 'ignore failures'],
          ['resume', 'resume'],
        ]}
        onChange={value => onChange({ action: value as Action })}
      />
      <Choice
        label="Operator"
        value={operator}
        options={operators.map(each => [each, each])}
        onChange={value => onChange({ operator: value })}
      />
      <Choice
        label="About"
        value={scope}
        options={[
          ['key', 'one key'],
          ['partition', 'one partition'],
          ['operator', 'all of it'],
        ]}
        onChange={value => onChange({ scope: value as Scope })}
      />
      {scope !== 'operator' && (
        <TextField
          label={scope === 'key' ? 'Key' : 'Partition'}
          value={text}
          onInput={value => onChange({ text: value })}
        />
      )}
      <TextField label="Note" value={note} onInput={value => onChange({ note: value })} />
    </>
  )
}

interface TextFieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
}

function TextField({ label, value, onInput }: TextFieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input value={value} autocomplete="off" onInput={event => onInput(event.currentTarget.value)} />
    </label>
  )
}

/** Undefined while it is not said what the command is about. */
function targetOf({ operator, scope, text }: Wanted): ControlTarget | undefined {
  if (scope === 'operator') return { operator }
  if (scope === 'key') return text === '' ? undefined : { operator, key: text }
  return /^\d+$/.test(text) ? { operator, partition: Number(text) } : undefined
}
