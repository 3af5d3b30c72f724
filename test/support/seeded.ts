import { SeededRandom } from './seeded-random.ts'

/** Numbers in [0, 1) that depend on the seed alone. */
export function seeded(seed: number): () => number {
  const random = new SeededRandom(seed)
  return () => random.next()
}
