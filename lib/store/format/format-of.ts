import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type { StoreContext } from '../contract/state-store.ts'
import { HeadersFormat } from './headers-format.ts'
import { PlainFormat } from './plain-format.ts'
import { TimestampedFormat } from './timestamped-format.ts'
import type { ValueFormat } from './value-format.ts'

/** Whether values keep headers; `by-setting`: as `dslStoreFormat` says, for tables and aggregates. */
export type KeepHeaders = boolean | 'by-setting'

export function formatOf<V>(
  settings: { readonly timestamped: boolean; readonly keepHeaders?: KeepHeaders | undefined },
  serde: Serde<unknown>,
  context: SerdeContext,
  { dslStoreFormat }: Pick<StoreContext, 'dslStoreFormat'>,
): ValueFormat<V> {
  const { timestamped, keepHeaders = false } = settings
  const keeps = keepHeaders === 'by-setting' ? dslStoreFormat === 'headers' : keepHeaders
  const WithTimes = keeps ? HeadersFormat : TimestampedFormat
  const Format = timestamped ? WithTimes : PlainFormat
  // The formats have different values; which one `V` is was decided where the store was built.
  return new Format<unknown>(serde, context) as unknown as ValueFormat<V>
}
