import { Buffer } from 'node:buffer'
import type { ListedLetter } from '../../patterns/letters/dead-letters.ts'
import type { Letter } from '../../processor/letter.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import { escapedCell, recordRow, timeText } from '../records/record-table.ts'

export interface LetterDefaults {
  readonly defaultKeySerde?: Serde<unknown> | undefined
  readonly defaultValueSerde?: Serde<unknown> | undefined
}

/** Keys and values of letters by the serdes of the sources that they came from. */
export class LetterText {
  readonly #serdes = new Map<
    string,
    { readonly key: Serde<unknown> | undefined; readonly value: Serde<unknown> | undefined }
  >()

  constructor(
    subtopologies: TopologyPlan['subtopologies'],
    { defaultKeySerde, defaultValueSerde }: LetterDefaults,
  ) {
    for (const node of subtopologies.flatMap(({ nodes }) => nodes)) {
      if (node.kind !== 'source') continue
      const key = resolveSerde(node.keySerde, defaultKeySerde)
      const value = resolveSerde(node.valueSerde, defaultValueSerde)
      for (const topic of node.topics) this.#serdes.set(topic, { key, value })
    }
  }

  keyText(letter: Letter): string {
    return text(this.#plain(letter, 'key'))
  }

  /** A row of the list: the columns of `LETTER_HEADING`. `withState`: what was done about it, in the last. */
  row({ letter, state }: Pick<ListedLetter, 'letter' | 'state'>, withState = false): string {
    const { operator, id, reason, attempts, lastFailedMs, lastError } = letter
    const done = withState && state !== 'open' ? `(${state}) ` : ''
    const error = escapedCell(`${done}${lastError.name}: ${lastError.message}`)
    return recordRow(
      [
        operator,
        id,
        escapedCell(this.keyText(letter)),
        reason,
        String(attempts),
        timeText(lastFailedMs),
        error,
      ],
      WIDTHS,
    )
  }

  /** All that is known, as JSON has it. */
  plain({ letter, state, done }: ListedLetter): object {
    const { id, operator, reason, attempts, topic, partition, offset, timestamp, headers } = letter
    return {
      id,
      operator,
      state,
      ...(done && { [done.action]: { at: timeText(done.at), by: done.by, run: done.run } }),
      reason,
      attempts,
      firstFailed: timeText(letter.firstFailedMs),
      lastFailed: timeText(letter.lastFailedMs),
      firstError: letter.firstError,
      lastError: letter.lastError,
      topic,
      partition,
      offset,
      timestamp,
      key: this.#plain(letter, 'key'),
      value: this.#plain(letter, 'value'),
      headers: headers.map(({ key, value }) => ({ key, value: value && plainBytes(value) })),
    }
  }

  /** As JSON can hold it; `{ base64 }` where no serde reads it. */
  #plain(letter: Letter, part: 'key' | 'value'): unknown {
    const bytes = letter[part]
    if (bytes === null) return null
    const serde = this.#serdes.get(letter.topic ?? '')?.[part]
    if (!serde) return plainBytes(bytes)
    try {
      const value = serde.deserialize(bytes, { topic: letter.topic ?? '' })
      return JSON.stringify(value) === undefined ? plainBytes(bytes) : value
    } catch {
      // A letter may be one because its bytes cannot be read.
      return plainBytes(bytes)
    }
  }
}

const WIDTHS = [12, 18, 16, 13, 8, 24, 0]

export const LETTER_HEADING = recordRow(
  ['OPERATOR', 'ID', 'KEY', 'REASON', 'ATTEMPTS', 'GIVEN UP', 'ERROR'],
  WIDTHS,
)

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Bytes as text where they are text, else as base64. */
function plainBytes(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const asText = buffer.toString('utf8')
  return Buffer.from(asText, 'utf8').equals(buffer) ? asText : { base64: buffer.toString('base64') }
}
