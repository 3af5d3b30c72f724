import { Dialog } from '../parts/dialog.tsx'
import { PLACES } from './places.ts'

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['/', 'Search in the view, or everywhere'],
  ['⌘ K', 'Search everywhere (Ctrl K)'],
  ['J K', 'Down and up in a list; the arrows too'],
  ['Enter', 'Open the row'],
  ['Esc', 'Close what is open'],
  ['?', 'This help'],
  ...PLACES.map(({ key, title }) => [`G ${key.toUpperCase()}`, title] as const),
  ['G 1 … 9', 'An application'],
]

export function Help({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map(each => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">Every view has an address of its own: copy it to show somebody what you see.</p>
    </Dialog>
  )
}
