/**
 * A topic that the application makes and others write: letters to be replayed, orders for a schedule,
 * control. Its records come now and then, and nothing waits for them.
 */
export interface OwnSource {
  /**
   * `tasks`: one for each task that the other sources of the sub-topology give it; one where there are none.
   */
  readonly partitionCount: number | 'tasks'
  readonly config: { readonly [name: string]: string }
  /** Whether a reset of the application leaves the topic: it holds what somebody has said. */
  readonly isKept: boolean
}
