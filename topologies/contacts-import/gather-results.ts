import {
  Record,
  serdes,
  stores,
  type KeyValueStore,
  type ProcessorContext,
  type ProcessorSupplier,
} from 'millrace'
import { guarded } from '../processors/guarded.ts'
import { numberedKey } from './keys.ts'
import type { ImportEvent, ImportStart, ImportSummary, RowFailure, RowResult } from './records.ts'
import { RowSet, rowSetStore } from './row-set.ts'
import type { ImportSettings } from './settings.ts'
import { countOutcome, packTally, unpackTally } from './tally.ts'
import { TOPICS } from './topics.ts'

type Output = ImportSummary | RowFailure | ImportEvent
/** What the store holds of an import: results may come before its start. */
type Known = ImportSummary | { readonly state: 'unstarted' }

const gatherStores = {
  /** Written when an import starts and when it completes; counts of a running one are in the tallies. */
  imports: stores.keyValueStore<string, Known>({
    name: 'imports-gathered',
    keySerde: serdes.string(),
    valueSerde: serdes.json(),
  }),
  tallies: stores.keyValueStore<string, number>({
    name: 'import-tallies',
    keySerde: serdes.string(),
    valueSerde: serdes.int64(),
    ranges: false,
  }),
  rows: rowSetStore,
}

/**
 * Keyed by import. Counts distinct rows, so that a result that comes twice counts once, and tells an import's
 * completion in the transaction of its last row. The total may come before or after the first results.
 *
 * Progress is told at a rhythm, not by row. What was told last is not kept: after a restart every running
 * import is told again.
 */
class GatherResults {
  readonly #context: ProcessorContext<string, Output>
  readonly #imports: KeyValueStore<string, Known>
  readonly #tallies: KeyValueStore<string, number>
  readonly #rows: RowSet
  /** Imports that are not completed, as the store has them: it is not asked, and parsed, for every row. */
  readonly #open = new Map<string, Known>()
  readonly #untold = new Set<string>()

  constructor(context: ProcessorContext<string, Output>, { progressIntervalMs }: ImportSettings) {
    this.#context = context
    this.#imports = context.getStateStore(gatherStores.imports)
    this.#tallies = context.getStateStore(gatherStores.tallies)
    this.#rows = new RowSet(context.getStateStore(gatherStores.rows))
    for (const [importId, known] of this.#imports.all()) {
      if (known.state === 'completed') continue
      this.#open.set(importId, known)
      this.#untold.add(importId)
    }
    context.schedule({ intervalMs: progressIntervalMs, type: 'wall-clock-time' }, nowMs => this.#tell(nowMs))
  }

  process({ key: importId, value, timestamp }: Record<string, ImportStart | RowResult>): void {
    const known = this.#open.get(importId) ?? this.#find(importId)
    if (known.state === 'completed') return
    if ('row' in value) this.#count(importId, known, value, timestamp)
    else if (known.state === 'unstarted') this.#start(importId, value, timestamp)
  }

  #find(importId: string): Known {
    const known = this.#imports.get(importId) ?? ({ state: 'unstarted' } as const)
    if (known.state === 'unstarted') this.#put(importId, known)
    return known
  }

  #put(importId: string, known: Known): void {
    this.#imports.put(importId, known)
    if (known.state === 'completed') this.#open.delete(importId)
    else this.#open.set(importId, known)
  }

  #start(importId: string, start: ImportStart, timestamp: number): void {
    const packed = this.#tallies.get(importId) ?? packTally({ succeeded: 0, failed: 0 })
    const summary: ImportSummary = { state: 'running', ...unpackTally(packed), ...start }
    this.#put(importId, summary)
    this.#forwardEvent(importId, 'started', summary, timestamp)
    if (!this.#maybeComplete(importId, summary, packed, timestamp))
      this.#forwardSummary(importId, summary, timestamp)
  }

  #count(importId: string, known: Known, result: RowResult, timestamp: number): void {
    if (!this.#rows.add(importId, result.row)) return
    const packed = countOutcome(this.#tallies.get(importId) ?? 0, result.ok)
    this.#tallies.put(importId, packed)
    if (!result.ok) this.#forwardFailure(importId, result, timestamp)
    if (known.state === 'running' && this.#maybeComplete(importId, known, packed, timestamp)) return
    this.#untold.add(importId)
  }

  #maybeComplete(importId: string, summary: ImportSummary, packed: number, timestamp: number): boolean {
    const tally = unpackTally(packed)
    if (tally.succeeded + tally.failed < summary.total) return false
    const completedAt = this.#context.currentSystemTimeMs()
    const completed: ImportSummary = { ...summary, ...tally, state: 'completed', completedAt }
    this.#put(importId, completed)
    this.#tallies.delete(importId)
    this.#rows.delete(importId, summary.total)
    this.#untold.delete(importId)
    this.#forwardSummary(importId, completed, timestamp)
    this.#forwardEvent(importId, 'completed', completed, timestamp)
    return true
  }

  #tell(nowMs: number): void {
    for (const importId of this.#untold) {
      const known = this.#open.get(importId)
      if (known?.state !== 'running') continue
      const summary = { ...known, ...unpackTally(this.#tallies.get(importId) ?? 0) }
      this.#forwardSummary(importId, summary, nowMs)
      this.#forwardEvent(importId, 'progress', summary, nowMs)
      this.#untold.delete(importId)
    }
  }

  #forwardSummary(importId: string, summary: ImportSummary, timestamp: number): void {
    this.#context.forward(new Record(importId, summary, timestamp), TOPICS.imports)
  }

  #forwardEvent(
    importId: string,
    type: ImportEvent['type'],
    { channel, total, succeeded, failed, fileName }: ImportSummary,
    timestamp: number,
  ): void {
    const at = this.#context.currentSystemTimeMs()
    const event: ImportEvent = {
      type,
      importId,
      total,
      succeeded,
      failed,
      at,
      ...(fileName ? { fileName } : {}),
    }
    this.#context.forward(new Record(channel, event, timestamp), TOPICS.events)
  }

  #forwardFailure(
    importId: string,
    { row, reason, email }: Extract<RowResult, { ok: false }>,
    timestamp: number,
  ): void {
    this.#context.forward(
      new Record(numberedKey(importId, row), { row, reason, email }, timestamp),
      TOPICS.failures,
    )
  }
}

export function gatherResults(
  settings: ImportSettings,
): ProcessorSupplier<string | null, ImportStart | RowResult | null, string, Output> {
  return guarded({
    stores: Object.values(gatherStores),
    make: context => new GatherResults(context, settings),
  })
}
