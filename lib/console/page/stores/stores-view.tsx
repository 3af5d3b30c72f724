import { appPath } from '../core/api.ts'
import type { StoreDescription } from '../core/api-types.ts'
import { useJson } from '../core/use-json.ts'
import { Answer } from '../parts/state.tsx'
import { StoreTable } from './store-table.tsx'

/** The stores of one application. */
export function StoresView({ applicationId }: { readonly applicationId: string }) {
  const stores = useJson<{ stores: readonly StoreDescription[] }>(appPath(applicationId, ['stores']), {
    everyMs: 5_000,
  })
  return (
    <Answer of={stores}>{data => <StoreTable applicationId={applicationId} stores={data.stores} />}</Answer>
  )
}
