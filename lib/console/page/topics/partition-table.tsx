import type { LivePartition } from '../core/api-types.ts'
import { count } from '../core/format.ts'

/** Ends and committed offsets, partition by partition. */
export function PartitionTable({ partitions }: { readonly partitions: readonly LivePartition[] }) {
  return (
    <div class="table">
      <table aria-label="Partitions">
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col" class="number">
              Begin
            </th>
            <th scope="col" class="number">
              End
            </th>
            <th scope="col" class="number">
              Committed
            </th>
            <th scope="col" class="number">
              Lag
            </th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ partition, begin, end, committed, lag }) => (
            <tr key={partition}>
              <td>{partition}</td>
              <td class="number">{count(begin)}</td>
              <td class="number">{count(end)}</td>
              <td class="number">{count(committed)}</td>
              <td class="number">{count(lag)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
