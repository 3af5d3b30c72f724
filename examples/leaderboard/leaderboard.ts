import { serdes, stores, StreamRecord, StreamsBuilder } from 'millrace'
import type { KeyValueStore, ProcessorSupplier } from 'millrace'

const keySerde = serdes.string()
export const pointSerdes = { keySerde, valueSerde: serdes.int64() }
export const boardSerdes = { keySerde, valueSerde: serdes.json<readonly string[]>() }

export const totals = stores.keyValueStore({ name: 'totals', ...pointSerdes })
/** Keys `000000000042 ada`, in the order of points: the best are at the end. */
const ranking = stores.keyValueStore({ name: 'ranking', keySerde, valueSerde: serdes.string() })

/** Counts points by player, and tells the three best every ten seconds, `ada 42` first. */
const board: ProcessorSupplier<string, number, string, readonly string[]> = {
  stores: [totals, ranking],
  get: () => {
    let points: KeyValueStore<string, number>
    let ranks: KeyValueStore<string, string>
    return {
      init(context) {
        points = context.getStateStore(totals)
        ranks = context.getStateStore(ranking)
        context.schedule({ intervalMs: 10_000, type: 'stream-time' }, nowMs =>
          context.forward(new StreamRecord('board', best(ranks, 3), nowMs)),
        )
      },
      process({ key: player, value }) {
        const before = points.get(player) ?? 0
        const after = before + value
        points.put(player, after)
        ranks.delete(rankOf(player, before))
        ranks.put(rankOf(player, after), `${player} ${after}`)
      },
    }
  },
}

function best(ranks: KeyValueStore<string, string>, count: number): string[] {
  const lines: string[] = []
  for (const [, line] of ranks.reverseAll()) if (lines.push(line) === count) break
  return lines
}

const rankOf = (player: string, points: number) => `${String(points).padStart(12, '0')} ${player}`

const builder = new StreamsBuilder()
builder.stream('points', pointSerdes).process(board, { name: 'board' }).to('boards', boardSerdes)

// One partition: one board of all players.
export const topics = ['points', 'boards'].map(topic => ({ topic, partitionCount: 1 }))
export default builder.build()
