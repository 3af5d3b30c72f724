import { link, route } from '../core/router.ts'
import { Icon } from '../parts/icon.tsx'
import { PLACES } from './places.ts'

const SHOWN = ['overview', 'topics', 'stores', 'letters']

/** The bar below, on a phone. */
export function TabBar({ onMenu }: { readonly onMenu: () => void }) {
  const at = route.value.path[0] ?? 'overview'
  return (
    <nav class="tab-bar" aria-label="Main views">
      {PLACES.filter(({ path }) => SHOWN.includes(path)).map(({ path, title, icon }) => (
        <a key={path} href={link([path])} aria-current={at === path ? 'page' : undefined}>
          <Icon name={icon} size={20} />
          {title}
        </a>
      ))}
      <button type="button" onClick={onMenu}>
        <Icon name="menu" size={20} />
        More
      </button>
    </nav>
  )
}
