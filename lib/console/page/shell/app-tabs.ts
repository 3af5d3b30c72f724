import type { IconName } from '../parts/icon.tsx'

export interface AppTab {
  /** Behind `#/app/ID/`; '' is the application itself. */
  readonly path: string
  readonly title: string
  readonly icon: IconName
}

export const APP_TABS: readonly AppTab[] = [
  { path: '', title: 'Topology', icon: 'topology' },
  { path: 'room', title: 'Room', icon: 'room' },
  { path: 'store', title: 'Stores', icon: 'stores' },
  { path: 'letters', title: 'Dead letters', icon: 'letters' },
  { path: 'schedules', title: 'Schedules', icon: 'schedules' },
  { path: 'control', title: 'Control', icon: 'control' },
]
