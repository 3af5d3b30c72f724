import { useState } from 'preact/hooks'
import { appPath, post } from '../core/api.ts'
import type { Letter } from '../core/api-types.ts'
import { Dialog } from '../parts/dialog.tsx'
import { attempt } from '../parts/toasts.tsx'

interface LetterEditorProps {
  readonly applicationId: string
  readonly letter: Letter
  readonly onClose: () => void
  readonly onDone: () => void
}

/** The value of a record that failed, to be put right and sent to its topic once more. */
export function LetterEditor({ applicationId, letter, onClose, onDone }: LetterEditorProps) {
  const isText = typeof letter.value === 'string'
  const [text, setText] = useState(
    isText ? (letter.value as string) : JSON.stringify(letter.value, undefined, 2),
  )
  const [isBusy, setBusy] = useState(false)
  const problem = isText ? undefined : problemOf(text)
  const send = async () => {
    setBusy(true)
    const value: unknown = isText ? text : JSON.parse(text)
    const path = appPath(applicationId, ['letters', 'correct'])
    if (
      await attempt(
        () => post(path, { id: letter.id, operator: letter.operator, value }),
        'The corrected record was written.',
      )
    )
      onDone()
    setBusy(false)
  }
  return (
    <Dialog title="Correct and replay" onClose={onClose} wide>
      <p>
        The corrected record is written to <code>{letter.topic}</code> once, and the letter counts as
        replayed.
      </p>
      <label class="field editor">
        <span>{isText ? 'Value, as text' : 'Value, as JSON'}</span>
        <textarea
          rows={14}
          spellcheck={false}
          value={text}
          aria-invalid={problem !== undefined}
          onInput={event => setText(event.currentTarget.value)}
        />
      </label>
      {problem && (
        <p class="field-problem" role="alert">
          {problem}
        </p>
      )}
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="primary"
          disabled={isBusy || problem !== undefined}
          onClick={() => void send()}
        >
          Write and replay
        </button>
      </footer>
    </Dialog>
  )
}

function problemOf(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`
  }
}
