import { signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

export const theme = signal<Theme>(
  (document.documentElement.dataset['theme'] as Theme | undefined) ?? 'system',
)

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }

export function nextTheme(): void {
  theme.value = NEXT[theme.value]
  const root = document.documentElement
  if (theme.value === 'system') delete root.dataset['theme']
  else root.dataset['theme'] = theme.value
  try {
    if (theme.value === 'system') localStorage.removeItem('millrace-theme')
    else localStorage.setItem('millrace-theme', theme.value)
  } catch {
    // A browser without storage forgets the choice when the page is left.
  }
}
