import { useState } from 'preact/hooks'
import { appPath, post } from '../core/api.ts'
import type { Letter } from '../core/api-types.ts'
import { plural } from '../core/format.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { attempt } from '../parts/toasts.tsx'

interface Result {
  readonly letters: number | readonly unknown[]
  readonly left?: number
  readonly homeless?: number | readonly unknown[]
}

interface LetterActionsProps {
  readonly applicationId: string
  readonly letters: readonly Letter[]
  readonly selected: ReadonlySet<string>
  readonly onDone: () => void
}

type Action = 'replay' | 'purge'

/** What is done about the letters that are selected: first told, then done. */
export function LetterActions({ applicationId, letters, selected, onDone }: LetterActionsProps) {
  const [action, setAction] = useState<Action | undefined>(undefined)
  const chosen = letters.filter(({ id }) => selected.has(id))
  return (
    <>
      <button
        type="button"
        class="primary"
        disabled={chosen.length === 0}
        onClick={() => setAction('replay')}
      >
        <Icon name="replay" /> Replay
      </button>
      <button type="button" class="danger" disabled={chosen.length === 0} onClick={() => setAction('purge')}>
        <Icon name="trash" /> Purge
      </button>
      {action && (
        <ActionDialog
          applicationId={applicationId}
          action={action}
          letters={chosen}
          onClose={() => setAction(undefined)}
          onDone={() => (setAction(undefined), onDone())}
        />
      )}
    </>
  )
}

interface ActionDialogProps {
  readonly applicationId: string
  readonly action: Action
  readonly letters: readonly Letter[]
  readonly onClose: () => void
  readonly onDone: () => void
}

const WORDS = {
  replay: {
    title: 'Replay dead letters',
    about: 'Their records go to their operators again, each once, in the order of their keys.',
    check: 'See what would be done',
    confirm: 'Replay',
    done: 'replayed',
  },
  purge: {
    title: 'Purge dead letters',
    about: 'They are done away with: nobody will process their records.',
    check: 'See what would be done',
    confirm: 'Purge',
    done: 'purged',
  },
} as const

export function ActionDialog({ applicationId, action, letters, onClose, onDone }: ActionDialogProps) {
  const [told, setTold] = useState<Result | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  const [force, setForce] = useState(false)
  const words = WORDS[action]
  const run = async (dryRun: boolean) => {
    setBusy(true)
    await attempt(
      async () => {
        const result = await actOn({ applicationId, action, letters, dryRun, force })
        if (dryRun) setTold(result)
        else onDone()
      },
      dryRun ? undefined : `${plural(letters.length, 'letter')} ${words.done}.`,
    )
    setBusy(false)
  }
  return (
    <Dialog title={words.title} onClose={onClose}>
      <p>
        {plural(letters.length, 'letter')} selected. {words.about}
      </p>
      <label class="check">
        <input type="checkbox" checked={force} onChange={() => (setForce(!force), setTold(undefined))} />
        Also those about which something was done before
      </label>
      {told && (
        <p class="notice good" role="status">
          {resultText(told, words.done)}
        </p>
      )}
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        {told ? (
          <button
            type="button"
            class={action === 'purge' ? 'danger' : 'primary'}
            disabled={isBusy || amount(told.letters) === 0}
            onClick={() => void run(false)}
          >
            {words.confirm} {amount(told.letters)}
          </button>
        ) : (
          <button type="button" class="primary" disabled={isBusy} onClick={() => void run(true)}>
            {words.check}
          </button>
        )}
      </footer>
    </Dialog>
  )
}

interface Acting {
  readonly applicationId: string
  readonly action: Action
  readonly letters: readonly Letter[]
  readonly dryRun: boolean
  readonly force: boolean
}

/** One request for each operator: the API acts on the letters of one at a time. */
async function actOn({ applicationId, action, letters, dryRun, force }: Acting): Promise<Result> {
  const operators = [...new Set(letters.map(({ operator }) => operator))]
  const sum = { letters: 0, left: 0, homeless: 0 }
  for (const operator of operators) {
    const ids = letters.filter(letter => letter.operator === operator).map(({ id }) => id)
    const body = { operator, ids, ...(dryRun ? { dryRun } : {}), ...(force ? { force } : {}) }
    const result = await post<Result>(appPath(applicationId, ['letters', action]), body)
    sum.letters += amount(result.letters)
    sum.left += result.left ?? 0
    sum.homeless += amount(result.homeless)
  }
  return sum
}

function resultText({ letters, left = 0, homeless }: Result, done: string): string {
  const parts = [`${plural(amount(letters), 'letter')} would be ${done}`]
  if (left > 0) parts.push(`${left} left alone, since something was done about them before`)
  if (amount(homeless) > 0)
    parts.push(`${amount(homeless)} cannot go back: nothing reads their topic any more`)
  return `${parts.join('; ')}.`
}

const amount = (of: number | readonly unknown[] | undefined): number =>
  of === undefined ? 0 : typeof of === 'number' ? of : of.length
