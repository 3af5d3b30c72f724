import type { Clock, Timer } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'

/** How far some work is. */
export interface Done {
  /** Records. */
  readonly count: number
  /** How much is done, 0 to 1; undefined where that is not known. */
  readonly share: number | undefined
}

export interface ProgressSource {
  /** `restored`: what has happened to the records. */
  readonly what: string
  /** Undefined while there is nothing to tell. */
  readonly read: () => Done | undefined
}

export interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const LINE_MS = 500
const LOOK_MS = 2_500
/** Without a terminal: a line after 10 s, and then after twice the time each, up to 5 min. */
const FIRST_LOG_MS = 10_000
const LOG_MS_MAX = 300_000

/**
 * Tells how far long work is, how fast it goes and how long it will take: in the last line of a terminal,
 * which is written over and over, and else as lines of the log, ever more rarely.
 */
export class Progress {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #sources = new Set<Measured>()
  #timer: Timer | undefined
  #isShown = false

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
  }

  /** Returns what ends it. The logger is for where there is no terminal. */
  add(source: ProgressSource, logger: Logger): () => void {
    const measured = new Measured(source, this.#clock, logger)
    this.#sources.add(measured)
    this.#timer ??= this.#schedule()
    return () => {
      this.#sources.delete(measured)
      if (this.#sources.size === 0) this.close()
    }
  }

  /** Makes room for what somebody else writes to the terminal; the line comes again by itself. */
  clear(): void {
    if (!this.#isShown) return
    this.#isShown = false
    this.#terminal.write('\r\u001b[K')
  }

  /** Idempotent. */
  close(): void {
    this.clear()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#sources.clear()
  }

  #schedule(): Timer {
    return this.#clock.schedule(
      this.#terminal.isTTY ? LINE_MS : LOOK_MS,
      () => {
        if (this.#terminal.isTTY) this.#show()
        else this.#log()
        this.#timer = this.#schedule()
      },
      { keepsAlive: false },
    )
  }

  #show(): void {
    const text = [...this.#sources].flatMap(source => source.text() ?? []).join(' · ')
    this.clear()
    if (text === '') return
    this.#isShown = true
    this.#terminal.write(text)
  }

  #log(): void {
    for (const source of this.#sources) {
      const text = source.text()
      if (text !== undefined && source.isDue()) source.logger.log('info', text)
    }
  }
}

/** A source since it has something to tell. */
class Measured {
  readonly logger: Logger
  readonly #source: ProgressSource
  readonly #clock: Clock
  #begun: { readonly ms: number; readonly done: Done } | undefined
  #dueMs = 0
  #pauseMs = FIRST_LOG_MS

  constructor(source: ProgressSource, clock: Clock, logger: Logger) {
    this.logger = logger
    this.#source = source
    this.#clock = clock
  }

  text(): string | undefined {
    const done = this.#source.read()
    const nowMs = this.#clock.monotonicMs()
    if (!done) {
      this.#begun = undefined
      return undefined
    }
    if (!this.#begun) {
      this.#begun = { ms: nowMs, done }
      this.#pauseMs = FIRST_LOG_MS
      this.#dueMs = nowMs + this.#pauseMs
    }
    return progressText(this.#source.what, done, { ...this.#begun, nowMs })
  }

  /** For the log; the next time is later. */
  isDue(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#dueMs) return false
    this.#pauseMs = Math.min(2 * this.#pauseMs, LOG_MS_MAX)
    this.#dueMs = nowMs + this.#pauseMs
    return true
  }
}

/** `1,200 records restored (24 %), 300/s, 13 s left`: rate and time by what has happened since the begin. */
export function progressText(
  what: string,
  { count, share }: Done,
  begun: { readonly ms: number; readonly done: Done; readonly nowMs: number },
): string {
  const seconds = (begun.nowMs - begun.ms) / 1000
  const rate = seconds > 0 ? Math.round((count - begun.done.count) / seconds) : undefined
  const gained = share === undefined ? 0 : share - (begun.done.share ?? 0)
  const leftSeconds = gained > 0 ? ((1 - share!) * seconds) / gained : undefined
  return [
    `${count.toLocaleString('en')} records ${what}${share === undefined ? '' : ` (${Math.floor(share * 100)} %)`}`,
    ...(rate === undefined ? [] : [`${rate.toLocaleString('en')}/s`]),
    ...(leftSeconds === undefined ? [] : [`${durationText(leftSeconds)} left`]),
  ].join(', ')
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
