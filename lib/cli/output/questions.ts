import { createInterface, type Interface } from 'node:readline/promises'
import { StreamsError } from '../../common/errors/errors.ts'

export interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

export interface Choice {
  readonly name: string
  readonly description: string
}

/**
 * Questions on a terminal, one after the other. Ctrl-C, Ctrl-D and an input that ends take all back: the
 * question rejects with `CANCELLED`.
 */
export class Questions implements Disposable {
  readonly #output: NodeJS.WritableStream
  readonly #lines: Interface
  readonly #ended = new AbortController()

  constructor({ input, output }: Terminal) {
    this.#output = output
    this.#lines = createInterface({ input, output })
    this.#lines.on('close', () => this.#ended.abort())
    this.#lines.on('SIGINT', () => this.#lines.close())
  }

  /** Asks again until `problem` finds nothing. An empty answer is the default. */
  async text(
    question: string,
    { byDefault, problem }: { byDefault: string; problem: (answer: string) => string | undefined },
  ): Promise<string> {
    for (;;) {
      const answer = (await this.#ask(`${question} (${byDefault}): `)) || byDefault
      const wrong = problem(answer)
      if (wrong === undefined) return answer
      this.#output.write(`  ${wrong}\n`)
    }
  }

  /** By number or name; an empty answer is the first. */
  async choice(question: string, choices: readonly [Choice, ...Choice[]]): Promise<string> {
    const width = Math.max(...choices.map(({ name }) => name.length))
    const rows = choices.map(
      ({ name, description }, at) => `  ${at + 1}  ${name.padEnd(width)}  ${description}\n`,
    )
    this.#output.write(`${question}\n${rows.join('')}`)
    const named = (answer: string) => choices[Number(answer) - 1]?.name ?? answer
    const answer = await this.text('Number or name', {
      byDefault: choices[0].name,
      problem: given =>
        choices.some(({ name }) => name === named(given))
          ? undefined
          : `It must be 1 to ${choices.length}, or a name.`,
    })
    return named(answer)
  }

  async yes(question: string): Promise<boolean> {
    const answer = await this.text(`${question} y/n`, {
      byDefault: 'y',
      problem: given => (/^(y|yes|n|no)$/i.test(given) ? undefined : 'It must be y or n.'),
    })
    return /^y/i.test(answer)
  }

  [Symbol.dispose](): void {
    this.#lines.close()
  }

  async #ask(question: string): Promise<string> {
    try {
      return (await this.#lines.question(question, { signal: this.#ended.signal })).trim()
    } catch {
      // The cursor stands behind the question.
      this.#output.write('\n')
      throw new StreamsError('CANCELLED', 'the questions were broken off; nothing is written')
    }
  }
}
