import { SerdeError } from './serde-error.ts'

/**
 * A deserialiser lacks something that it is fetching already, such as the schema of these bytes. Whoever can
 * wait awaits `settled` and calls again: sources of topologies and global tables do, and no error handler
 * hears of it. To everybody else it is an error like any other.
 */
export class SerdePendingError extends SerdeError {
  /**
   * Resolves when calling again makes sense; rejects where it does not, with what the application has to end
   * with.
   */
  readonly settled: Promise<void>

  constructor(message: string, settled: Promise<void>) {
    super('SERDE_PENDING', message)
    this.settled = settled
    // A caller that cannot wait does not look at `settled`: its failure is no unhandled rejection.
    settled.catch(() => undefined)
  }
}
