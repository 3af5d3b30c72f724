import { setTimeout as sleep } from 'node:timers/promises'
import type { Application } from '../../kafka/cluster/application.ts'
import type { Stage } from '../../kafka/cluster/stage.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'

/** Faults of one lane come one after the other, those of different lanes at once. */
export const LANES = ['processes', 'nodes', 'connections', 'records'] as const
export type Lane = (typeof LANES)[number]

/** What a fault strikes. */
export interface SoakTarget {
  readonly stage: Stage
  readonly random: SeededRandom
  /** Outputs that hold only the end of what went there. */
  readonly recreated: Set<'joined'>
  /** Says what is done, for the log of faults. */
  note(what: string): void
}

export interface SoakFault {
  readonly name: string
  readonly about: string
  readonly lane: Lane
  /** Waits until the faults of all other lanes are over, and keeps them off while it lasts. */
  readonly alone?: boolean
  /** Resolves when it is over, and whatever was broken is whole again. */
  strike(target: SoakTarget): Promise<void>
}

/** A duration in ms, of so many seconds. */
export function drawMs({ random }: SoakTarget, least: number, most: number): number {
  return Math.round(1_000 * (least + random.next() * (most - least)))
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** Not the one whose password changes: with a wrong one a start ends at once, which is right. */
export function restartable({ stage, random }: SoakTarget): Application {
  return random.pick(stage.applications.slice(0, 2))
}

/** What the witness is asked to do, until it is done: it stands before the same broken cluster. */
export async function persistently(act: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await act()
    } catch {
      await sleep(500)
    }
  }
}
