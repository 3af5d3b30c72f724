import type { ProcessingGuarantee } from '../../lib/index.ts'
import type { Side } from './application.ts'
import type { Case, Figures } from './case.ts'
import { QUANTITIES, type CompareName } from './names.ts'
import { comparableRates } from './rates.ts'

/** One line of the table. Figures are medians over the rounds. */
export interface CompareResult {
  readonly name: CompareName
  /** Null where it is the same under both. */
  readonly guarantee: ProcessingGuarantee | null
  readonly millrace: number
  readonly jvm: number
  /** `millrace` ÷ `jvm` */
  readonly ratio: number
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Over the rounds, each round's own ratio. */
  readonly ratios: { readonly min: number; readonly median: number; readonly max: number }
  readonly rounds: number
  /** Of input, a run. */
  readonly records: number
  /** Of latencies; `millrace` and `jvm` are medians. */
  readonly p99?: { readonly millrace: number; readonly jvm: number }
  /** The Python peer, where it took part. */
  readonly quix?: number
}

interface Line {
  readonly name: CompareName
  readonly of: Case
  /** By side, one value a round. */
  readonly values: Map<string, number[]>
  readonly p99s: Map<string, number[]>
}

/** Collects what the rounds have shown. */
export class Results {
  readonly #lines = new Map<string, Line>()

  /** `figures` are in the order of the sides. */
  add(of: Case, sides: readonly Side[], figures: readonly Figures[]): void {
    const rates = figures.flatMap(each => each.rates ?? [])
    comparableRates(rates).forEach((rate, at) => this.#put(of, of.names[0]!, sides[at]!, rate))
    figures.forEach((each, at) => {
      for (const { name, value, p99 } of each.values) this.#put(of, name, sides[at]!, value, p99)
    })
  }

  /** Forgets it. */
  drop(of: Case): void {
    for (const [id, line] of this.#lines) if (line.of === of) this.#lines.delete(id)
  }

  /** Those of `only`, or all. */
  list(only?: CompareName): CompareResult[] {
    const lines = [...this.#lines.values()].filter(({ name }) => only === undefined || name === only)
    return lines.sort((left, right) => orderOf(left.name) - orderOf(right.name)).map(toResult)
  }

  #put(of: Case, name: CompareName, side: Side, value: number, p99?: number): void {
    const id = `${name} ${of.guarantee}`
    const line = this.#lines.get(id) ?? { name, of, values: new Map(), p99s: new Map() }
    this.#lines.set(id, line)
    push(line.values, side.name, value)
    if (p99 !== undefined) push(line.p99s, side.name, p99)
  }
}

const orderOf = (name: CompareName) => Object.keys(QUANTITIES).indexOf(name)

function push(values: Map<string, number[]>, side: string, value: number): void {
  const list = values.get(side) ?? []
  list.push(value)
  values.set(side, list)
}

function toResult({ name, of, values, p99s }: Line): CompareResult {
  const [mine, theirs] = [values.get('millrace') ?? [], values.get('jvm') ?? []]
  const [millrace, jvm] = [median(mine), median(theirs)]
  const ratios = mine.map((value, round) => value / theirs[round]!)
  const p99 = p99s.size > 0 && {
    millrace: figure(median(p99s.get('millrace')!)),
    jvm: figure(median(p99s.get('jvm')!)),
  }
  const quix = values.get('quix')
  return {
    name,
    guarantee: of.guarantee,
    millrace: figure(millrace),
    jvm: figure(jvm),
    ratio: figure(millrace / jvm),
    ...QUANTITIES[name],
    ratios: {
      min: figure(Math.min(...ratios)),
      median: figure(median(ratios)),
      max: figure(Math.max(...ratios)),
    },
    rounds: mine.length,
    records: of.records,
    ...(p99 ? { p99 } : {}),
    ...(quix ? { quix: figure(median(quix)) } : {}),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Four digits that mean something; whole numbers from 1,000 on. */
function figure(value: number): number {
  return Number(Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4))
}
