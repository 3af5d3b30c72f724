import type { SessionWindows } from './session-windows.ts'
import type { SlidingWindows } from './sliding-windows.ts'
import type { TimeWindows } from './time-windows.ts'
import type { UnlimitedWindows } from './unlimited-windows.ts'

export type AnyWindows = TimeWindows | UnlimitedWindows | SlidingWindows | SessionWindows
