import { copyBytes, EMPTY_BYTES } from '../../common/bytes.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { serializeTransient } from '../../serde/transient-bytes.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type { ValueState } from './value-state.ts'
import type { ValueFormat } from './value-format.ts'
import { keepPrimitive, keepsTyped } from './value-format.ts'

/** The format of values alone: the engine and the changelog hold the serialised value. */
export class PlainFormat<V> implements ValueFormat<V> {
  readonly #serde: Serde<V>
  readonly #context: SerdeContext

  constructor(serde: Serde<V>, context: SerdeContext) {
    this.#serde = serde
    this.#context = context
  }

  write(state: ValueState, value: V, record: { recordContext(): RecordContext }): void {
    if (keepsTyped(this.#serde, value)) {
      state.value = value
      state.state = 'typed'
    } else {
      state.value = this.#serde.serialize(value, this.#context)
      state.state = 'bytes'
    }
    state.timestamp = record.recordContext().timestamp
  }

  read(state: ValueState): V | undefined {
    if (state.state === 'typed') return state.value as V
    if (state.state === 'absent') return undefined
    const value = this.#serde.deserialize(state.value as Uint8Array, this.#context)
    keepPrimitive(state, this.#serde, value)
    return value
  }

  load(state: ValueState, engineValue: Uint8Array): void {
    state.value = engineValue
    state.state = 'bytes'
  }

  changelogValue(state: ValueState): Uint8Array {
    if (state.state === 'bytes') return state.value as Uint8Array
    return serializeTransient(this.#serde, state.value as V, this.#context)
  }

  engineValue(_state: ValueState, changelogValue: Uint8Array): Uint8Array {
    return changelogValue
  }

  fromChangelog(value: Uint8Array): Uint8Array {
    return copyBytes(value)
  }

  transientRow(value: Uint8Array): Uint8Array {
    return value
  }

  rowHead(): Uint8Array {
    return EMPTY_BYTES
  }
}
