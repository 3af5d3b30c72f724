import type { Logger } from '../../common/logger.ts'
import { decodeOperatorTimes, encodeOperatorTimes } from '../plan/offset-metadata.ts'

/**
 * Bytes of all times: brokers take 4,096 characters with an offset (`offset.metadata.max.bytes`), in base64,
 * and the partition time needs some.
 */
const BYTES_MAX = 3000

const NO_MARKS: ReadonlyMap<string, number> = new Map()

interface KeptTime {
  readonly name: string
  readonly currentMs: () => number
  readonly ifRoom: boolean
}

/** Times that operators of one task keep in the metadata of its committed offsets. */
export class TaskTimes {
  readonly #logger: Logger
  readonly #kept: KeptTime[] = []
  #committed: ReadonlyMap<string, number> = new Map()
  #hasWarned = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  committedMs(name: string): number | undefined {
    return this.#committed.get(name)
  }

  keep(time: KeptTime): void {
    this.#kept.push(time)
  }

  /**
   * Reads the committed times, before the operators ask; they register anew. An offset that did not move
   * keeps older times, so the latest ones count.
   */
  restore(metadata: Iterable<string | undefined>): void {
    this.#kept.length = 0
    const latest = new Map<string, number>()
    for (const text of metadata) {
      for (const [name, timeMs] of decodeOperatorTimes(text)) {
        latest.set(name, Math.max(timeMs, latest.get(name) ?? -1))
      }
    }
    this.#committed = latest
  }

  /**
   * Encodes the present times, for the metadata of every offset of one commit, and marks (`changelog-marks`)
   * as far as there is room.
   */
  encode(marks: ReadonlyMap<string, number> = NO_MARKS): Uint8Array {
    const times = new Map<string, number>()
    let bytes = 0
    for (const { name, currentMs } of this.#inOrderOfNeed()) {
      const timeMs = currentMs()
      if (timeMs < 0) continue
      bytes += name.length + 12
      if (bytes > BYTES_MAX) {
        this.#warn(name)
        break
      }
      times.set(name, timeMs)
    }
    for (const [name, mark] of marks) {
      bytes += name.length + 12
      if (bytes <= BYTES_MAX) times.set(name, mark)
    }
    return encodeOperatorTimes(times)
  }

  #inOrderOfNeed(): readonly KeptTime[] {
    if (!this.#kept.some(({ ifRoom }) => ifRoom)) return this.#kept
    return [...this.#kept.filter(({ ifRoom }) => !ifRoom), ...this.#kept.filter(({ ifRoom }) => ifRoom)]
  }

  #warn(name: string): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#logger.log(
      'warn',
      `the windowed operators of one task keep more times than fit beside an offset, so "${name}" is not kept: after a restart, ` +
        'windows that were closed may take late records again. Shorter store names make room.',
    )
  }
}
