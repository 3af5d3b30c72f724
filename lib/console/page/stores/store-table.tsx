import type { StoreDescription } from '../core/api-types.ts'
import { count } from '../core/format.ts'
import { link } from '../core/router.ts'
import { Rows } from '../parts/rows.tsx'
import { Empty } from '../parts/state.tsx'

interface StoreTableProps {
  readonly applicationId: string
  readonly stores: readonly StoreDescription[]
}

export function StoreTable({ applicationId, stores }: StoreTableProps) {
  if (stores.length === 0) return <Empty title="This application keeps nothing in stores." />
  return (
    <Rows
      label={`Stores of ${applicationId}`}
      rows={stores}
      keyOf={({ name }) => name}
      linkOf={({ name }) => link(['app', applicationId, 'store', name])}
      columns={[
        { title: 'Store', cell: ({ name }) => name, kind: 'wide' },
        {
          title: 'Kind',
          cell: ({ kind, isGlobal }) => (isGlobal ? `${kind}, in every process` : kind),
          kind: 'minor',
        },
        { title: 'Key', cell: ({ keySerde }) => keySerde ?? '–', kind: 'minor' },
        { title: 'Value', cell: ({ valueSerde }) => valueSerde ?? '–', kind: 'minor' },
        {
          title: 'Parts here',
          cell: ({ partitions, partitionCount, isGlobal }) =>
            isGlobal ? 'all' : `${partitions.length} of ${partitionCount ?? '?'}`,
          kind: 'number',
        },
        { title: 'Lag', cell: ({ lag }) => count(lag), kind: 'number' },
      ]}
    />
  )
}
