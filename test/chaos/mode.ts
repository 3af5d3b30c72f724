/** A kind of chaos that `npm run chaos` knows, by the name of its flag. */
export interface ChaosMode {
  /** The parts that `--only` chooses from, in the order in which they run. */
  list(): readonly { readonly name: string; readonly about: string }[]
  /** Resolves with whether all went as it should. Says what it does, and a table at the end. */
  run(options: ChaosOptions): Promise<boolean>
}

export interface ChaosOptions {
  /** Names of `list`; none: all of them. */
  readonly only: readonly string[]
  readonly say: (line: string) => void
}
