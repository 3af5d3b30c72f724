import { useState } from 'preact/hooks'
import { Choice } from '../parts/fields.tsx'
import { attempt } from '../parts/toasts.tsx'
import { sendCommand, targetText } from './use-control.ts'

interface CommandFormProps {
  readonly applicationId: string
  readonly operators: readonly string[]
  readonly onDone: () => void
}

type Scope = 'operator' | 'key' | 'partition'

/** A command about an operator, one of its keys or one of its partitions. */
export function CommandForm({ applicationId, operators, onDone }: CommandFormProps) {
  const [operator, setOperator] = useState(operators[0] ?? '')
  const [action, setAction] = useState<'pause' | 'ignore' | 'resume'>('pause')
  const [scope, setScope] = useState<Scope>('key')
  const [text, setText] = useState('')
  const [note, setNote] = useState('')
  const isWhole = scope === 'operator'
  const isGood = isWhole || (scope === 'partition' ? /^\d+$/.test(text) : text !== '')
  const send = async () => {
    const target = {
      operator,
      ...(scope === 'key' ? { key: text } : {}),
      ...(scope === 'partition' ? { partition: Number(text) } : {}),
    }
    if (
      await attempt(
        () => sendCommand({ applicationId, action, target, note }),
        `${action}: ${targetText(target)}.`,
      )
    ) {
      setNote('')
      onDone()
    }
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
      <Choice
        label="Do"
        value={action}
        options={[
          ['pause', 'pause'],
          ['ignore', 'ignore failures'],
          ['resume', 'resume'],
        ]}
        onChange={value => setAction(value as typeof action)}
      />
      <Choice
        label="Operator"
        value={operator}
        options={operators.map(each => [each, each])}
        onChange={setOperator}
      />
      <Choice
        label="About"
        value={scope}
        options={[
          ['key', 'one key'],
          ['partition', 'one partition'],
          ['operator', 'all of it'],
        ]}
        onChange={value => setScope(value as Scope)}
      />
      {!isWhole && (
        <label class="field">
          <span>{scope === 'key' ? 'Key' : 'Partition'}</span>
          <input
            value={text}
            data-search=""
            autocomplete="off"
            onInput={event => setText(event.currentTarget.value)}
          />
        </label>
      )}
      <label class="field">
        <span>Note</span>
        <input value={note} placeholder="why" onInput={event => setNote(event.currentTarget.value)} />
      </label>
      <button type="submit" class="primary" disabled={!isGood}>
        Send
      </button>
    </form>
  )
}
