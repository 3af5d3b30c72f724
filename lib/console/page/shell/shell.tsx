import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useKeys } from '../core/keys.ts'
import { go, link, route } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { Guard } from '../parts/guard.tsx'
import { Toasts } from '../parts/toasts.tsx'
import { Help } from './help.tsx'
import { Palette } from './palette.tsx'
import { Rail } from './rail.tsx'
import { StateLine } from './state-line.tsx'
import { TabBar } from './tab-bar.tsx'
import { View, titleOf } from './view.tsx'

const PLACES: Readonly<Record<string, string>> = {
  o: 'overview',
  t: 'topics',
  s: 'stores',
  l: 'letters',
  h: 'schedules',
  c: 'control',
  p: 'processes',
}

/** The frame of every view: the rail, the line that says how things are, what opens over it, and keys. */
export function Shell() {
  const overlay = useSignal<'' | 'help' | 'palette' | 'menu'>('')
  const { path } = route.value
  const place = path.join('/')
  useKeys({
    '?': () => (overlay.value = 'help'),
    '/': () => focusSearch() || (overlay.value = 'palette'),
    'mod+k': () => (overlay.value = 'palette'),
    ...Object.fromEntries(Object.entries(PLACES).map(([key, name]) => [`g ${key}`, () => go(link([name]))])),
    ...Object.fromEntries(
      (site.value?.applications ?? [])
        .slice(0, 9)
        .map(({ applicationId }, at) => [`g ${at + 1}`, () => go(link(['app', applicationId]))]),
    ),
  })
  useEffect(() => {
    overlay.value = ''
    document.title = `${titleOf(path)} · Millrace`
  }, [place])
  const close = () => (overlay.value = '')
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={event => (event.preventDefault(), document.getElementById('main')?.focus())}
      >
        To the content
      </a>
      <Rail
        isOpen={overlay.value === 'menu'}
        onClose={close}
        onSearch={() => (overlay.value = 'palette')}
        onHelp={() => (overlay.value = 'help')}
      />
      <div class="page">
        <StateLine />
        <main id="main" tabIndex={-1}>
          <Guard place={place}>
            <View />
          </Guard>
        </main>
      </div>
      <TabBar onMenu={() => (overlay.value = 'menu')} />
      {overlay.value === 'help' && <Help onClose={close} />}
      {overlay.value === 'palette' && <Palette onClose={close} />}
      <Toasts />
    </>
  )
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('main [data-search]')
  field?.focus()
  field?.select()
  return field !== null
}
