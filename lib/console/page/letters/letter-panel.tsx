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
  const all = useJson<Letters>(known ? undefined : appPath(applicationId, ['letters'], { limit: LIMIT }))
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

function OneLetter({
  applicationId,
  letter,
  onDone,
}: Pick<LetterPanelProps, 'applicationId' | 'onDone'> & { readonly letter: Letter }) {
  const {
    operator,
    reason,
    attempts,
    key,
    value,
    topic,
    partition,
    offset,
    timestampMs,
    error,
    state,
    place,
  } = letter
  const [open, setOpen] = useState<'replay' | 'purge' | 'edit' | undefined>(undefined)
  const close = () => setOpen(undefined)
  const done = () => (close(), onDone())
  return (
    <>
      <div class="toolbar">
        <button type="button" class="primary" onClick={() => setOpen('replay')}>
          <Icon name="replay" /> Replay
        </button>
        <button type="button" onClick={() => setOpen('edit')} disabled={topic === null}>
          <Icon name="edit" /> Correct and replay
        </button>
        <button type="button" class="danger" onClick={() => setOpen('purge')}>
          <Icon name="trash" /> Purge
        </button>
      </div>
      {error && (
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
      )}
      <Facts
        facts={[
          ['State', <State state={state} />],
          ['Operator', operator],
          ['Reason', reason],
          ['Calls', count(attempts)],
          ['Record’s time', dateTime(timestampMs)],
          [
            'Came from',
            topic === null ? (
              'a punctuator'
            ) : (
              <a
                href={link(['topics', topic], { partition, offset })}
              >{`${topic}, ${partition}:${offset}`}</a>
            ),
          ],
          [
            'Letter’s place',
            place && (
              <a href={link(['topics', place.topic], { partition: place.partition, offset: place.offset })}>
                {`${place.topic}, ${place.partition}:${place.offset}`}
              </a>
            ),
          ],
        ]}
      />
      <h3>Key</h3>
      <JsonView value={key} label="key" />
      <h3>Value</h3>
      <JsonView value={value} />
      {open === 'edit' && (
        <LetterEditor applicationId={applicationId} letter={letter} onClose={close} onDone={done} />
      )}
      {(open === 'replay' || open === 'purge') && (
        <ActionDialog
          applicationId={applicationId}
          action={open}
          letters={[letter]}
          onClose={close}
          onDone={done}
        />
      )}
    </>
  )
}
