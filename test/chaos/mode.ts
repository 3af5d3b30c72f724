/** A kind of chaos that `npm run chaos` knows, by the name of its flag. */
export interface ChaosMode {
  /** The parts that `--only` chooses from, in the order in which they run. */
  list(options: ChaosOptions): readonly { readonly name: string; readonly about: string }[]
  /** Resolves with whether all went as it should. Says what it does, and a table at the end. */
  run(options: ChaosOptions): Promise<boolean>
}

/** Beyond the first two each mode takes what its entry among the modes names. */
export interface ChaosOptions {
  /** Names of `list`; none: all of them. */
  readonly only: readonly string[]
  readonly say: (line: string) => void
  /** Decides what chance would: the same seed draws the same faults. */
  readonly seed: number
  /** Undefined: as many as the mode does by itself. */
  readonly count?: number | undefined
  readonly minutes?: number | undefined
  /** Path of a file for what is said at the end. */
  readonly log?: string | undefined
  /** Timeouts as they are by default, in place of short ones. */
  readonly defaults?: boolean | undefined
}
