import type { IconName } from '../parts/icon.tsx'

export interface Place {
  readonly path: string
  readonly title: string
  readonly icon: IconName
  readonly key: string
}

export const PLACES: readonly Place[] = [
  { path: 'overview', title: 'Overview', icon: 'overview', key: 'o' },
  { path: 'topics', title: 'Topics', icon: 'topics', key: 't' },
  { path: 'stores', title: 'Stores', icon: 'stores', key: 's' },
  { path: 'letters', title: 'Dead letters', icon: 'letters', key: 'l' },
  { path: 'schedules', title: 'Schedules', icon: 'schedules', key: 'h' },
  { path: 'control', title: 'Control', icon: 'control', key: 'c' },
  { path: 'processes', title: 'Processes', icon: 'processes', key: 'p' },
]
