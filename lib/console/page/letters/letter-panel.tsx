import { useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { Letter, Letters } from '../core/api-types.ts'
import { count, dateTime } from '../core/format.ts'
import { link } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Facts } from '../parts/fields.tsx'
import { Icon } from '../parts/icon.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Failure, Loading, State } from '../parts/state.tsx'
import { ActionDialog } from './letter-actions.tsx'
import { LetterEditor } from './letter-editor.tsx'

interface LetterPanelProps {
  readonly applicationId: string
  readonly id: string
  /** The letter, where the list has it. */
  readonly known: Letter | undefined
  readonly onDone: () => void
  readonly onClose: () => void
}

const LIMIT = 1_000

/** One letter with its error and its record; one that the filters leave out is looked for. */
export function LetterPanel({ applicationId, id, known, onDone, onClose }: LetterPanelProps) {
  const all = useJson<Letters>(
    known ? undefined : appPath(applicationId, ['letters'], { limit: LIMIT, all: true }),
  )
  const letter = known ?? all.data?.letters.find(each => each.id === id)
  return (
    <Panel kind="Dead letter" title={id} onClose={onClose}>
      {letter ? (
        <OneLetter applicationId={applicationId} letter={letter} onDone={onDone} />
      ) : all.isLoading ? (
        <Loading />
      ) : all.error ? (
        <Failure error={all.error} retry={all.reload} />
      ) : (
        <Empty title="There is no such letter.">It may be older than its topic keeps letters.</Empty>
      )}
    </Panel>
  )
}

interface OneLetterProps extends Pick<LetterPanelProps, 'applicationId' | 'onDone'> {
  readonly letter: Letter
}

type Opened = 'replay' | 'purge' | 'edit'

function OneLetter({ applicationId, letter, onDone }: OneLetterProps) {
  const [opened, setOpened] = useState<Opened | undefined>(undefined)
  const close = () => setOpened(undefined)
  const dialog = { applicationId, onClose: close, onDone: () => (close(), onDone()) }
  return (
    <>
      <Buttons letter={letter} onOpen={setOpened} />
      {letter.error && <ErrorNotice error={letter.error} />}
      <LetterFacts letter={letter} />
      <h3>Key</h3>
      <JsonView value={letter.key} label="key" />
      <h3>Value</h3>
      <JsonView value={letter.value} />
      {opened === 'edit' && <LetterEditor {...dialog} letter={letter} />}
      {(opened === 'replay' || opened === 'purge') && (
        <ActionDialog {...dialog} action={opened} letters={[letter]} />
      )}
    </>
  )
}

interface ButtonsProps {
  readonly letter: Letter
  readonly onOpen: (opened: Opened) => void
}

function Buttons({ letter, onOpen }: ButtonsProps) {
  return (
    <div class="toolbar">
      <button type="button" class="primary" onClick={() => onOpen('replay')}>
        <Icon name="replay" /> Replay
      </button>
      <button type="button" onClick={() => onOpen('edit')} disabled={letter.topic === null}>
        <Icon name="edit" /> Correct and replay
      </button>
      <button type="button" class="danger" onClick={() => onOpen('purge')}>
        <Icon name="trash" /> Purge
      </button>
    </div>
  )
}

function ErrorNotice({ error }: { readonly error: NonNullable<Letter['error']> }) {
  return (
    <div class="notice bad">
      <div>
        <strong>
          {error.name}: {error.message}
        </strong>
        {error.stack && (
          <details>
            <summary>Stack</summary>
            <pre>{error.stack}</pre>
          </details>
        )}
      </div>
    </div>
  )
}

function LetterFacts({ letter }: { readonly letter: Letter }) {
  const { operator, reason, attempts, topic, partition, offset, timestampMs, state, place } = letter
  return (
    <Facts
      facts={[
        ['State', <State state={state} />],
        ['Operator', operator],
        ['Reason', reason],
        ['Calls', count(attempts)],
        ['Record’s time', dateTime(timestampMs)],
        ['Came from', topic === null ? 'a punctuator' : <Place topic={topic} {...{ partition, offset }} />],
        ['Letter’s place', place && <Place {...place} />],
      ]}
    />
  )
}

/** Where a record is, with the way to it. */
function Place({ topic, partition, offset }: NonNullable<Letter['place']>) {
  return (
    <a href={link(['topics', topic], { partition, offset })}>
      {topic}, {partition}:{offset}
    </a>
  )
}
