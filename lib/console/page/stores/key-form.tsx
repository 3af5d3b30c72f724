import { useState } from 'preact/hooks'
import { route, setParams } from '../core/router.ts'
import type { Reading } from './store-kind.ts'

const ABOUT: Readonly<Record<Reading, string>> = {
  'key-value': '',
  versioned:
    'The store keeps older versions: a key shows its value of today, or of any time that it still keeps.',
  windows: 'The store keeps a value for each key and window: a key shows its windows.',
  sessions: 'The store keeps a value for each key and session: a key shows its sessions.',
}

/** Stores without ranges over keys are asked for one key. */
export function KeyForm({ reading }: { readonly reading: Reading }) {
  const [text, setText] = useState(route.value.params.get('key') ?? '')
  return (
    <form
      class="key-form"
      onSubmit={event => {
        event.preventDefault()
        setParams({ key: text })
      }}
    >
      <p class="quiet">{ABOUT[reading]} Live changes show which keys there are.</p>
      <label class="field">
        <span>Key</span>
        <input
          value={text}
          data-search=""
          spellcheck={false}
          autocomplete="off"
          onInput={event => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={text === ''}>
        Look up
      </button>
    </form>
  )
}
