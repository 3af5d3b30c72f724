import { randomUUID } from 'node:crypto'

/** Randomness as the rest of the library sees it; a seeded one makes a run repeatable. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  uuid(): string
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
}
