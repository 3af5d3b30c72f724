import { link, route } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { nextTheme, theme } from '../core/theme-choice.ts'
import { tone } from '../core/labels.ts'
import { Icon } from '../parts/icon.tsx'
import { PLACES, type Place } from './places.ts'

interface RailProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onSearch: () => void
  readonly onHelp: () => void
}

/** The way to every view; on a phone a drawer. */
export function Rail({ isOpen, onClose, onSearch, onHelp }: RailProps) {
  const [overview, ...places] = PLACES
  return (
    <>
      {isOpen && <div class="veil" onClick={onClose} />}
      <nav
        class={`rail ${isOpen ? 'open' : ''}`}
        aria-label="Console"
        onClick={event => isLink(event) && onClose()}
      >
        <a class="brand" href={link(['overview'])}>
          <img src="assets/icon.svg" alt="" width="22" height="22" />
          Millrace
        </a>
        <button type="button" class="rail-search" onClick={onSearch}>
          <Icon name="search" /> Search <kbd>⌘K</kbd>
        </button>
        <ul>
          <Entry place={overview!} />
        </ul>
        <h2>Applications</h2>
        <ul>
          {site.value?.applications.map(({ applicationId, title, state }) => (
            <li key={applicationId}>
              <a
                href={link(['app', applicationId])}
                aria-current={isAt('app', applicationId) ? 'page' : undefined}
                title={`${title}: ${state}`}
              >
                <i class={`dot ${tone(state)}`} /> <span>{title}</span>
              </a>
            </li>
          ))}
        </ul>
        <h2>Everywhere</h2>
        <ul>
          {places.map(place => (
            <Entry key={place.path} place={place} />
          ))}
        </ul>
        <footer>
          <button type="button" onClick={nextTheme} title="Light, dark, or as the system">
            <Icon name={theme.value === 'light' ? 'sun' : theme.value === 'dark' ? 'moon' : 'system'} />
            <span>
              {theme.value === 'system' ? 'As the system' : theme.value === 'light' ? 'Light' : 'Dark'}
            </span>
          </button>
          <button
            type="button"
            class="icon-button"
            onClick={onHelp}
            aria-label="Keyboard and help"
            title="Keyboard (?)"
          >
            <Icon name="help" />
          </button>
        </footer>
      </nav>
    </>
  )
}

function Entry({ place: { path, title, icon, key } }: { readonly place: Place }) {
  const current = isAt(path) || (path === 'overview' && route.value.path.length === 0)
  return (
    <li>
      <a href={link([path])} aria-current={current ? 'page' : undefined}>
        <Icon name={icon} /> <span>{title}</span> <kbd>G {key.toUpperCase()}</kbd>
      </a>
    </li>
  )
}

const isAt = (...parts: string[]): boolean => parts.every((part, at) => route.value.path[at] === part)

const isLink = ({ target }: Event): boolean => target instanceof Element && target.closest('a') !== null
