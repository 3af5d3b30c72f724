import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReportedHookContext, Reporter, TestCase, Vitest } from 'vitest/node'
import type { Wait } from './eventually.ts'

/** A limit that is nearer than this to what was measured alone fails on a busy machine, and means nothing. */
const FACTOR_MIN = 5

/**
 * `npm run test:limits` fails where a test, a hook or an `eventually` took more than a fifth of its limit.
 */
export default class LimitsReporter implements Reporter {
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-limits-'))
  readonly #waits = join(this.#directory, 'waits')
  readonly #near: Wait[] = []
  readonly #hookStartMs = new Map<string, number>()
  #hookTimeoutMs = 0
  #measured = 0

  onInit(vitest: Vitest): void {
    writeFileSync(this.#waits, '')
    process.env['MILLRACE_TEST_WAITS'] = this.#waits
    this.#hookTimeoutMs = vitest.config.hookTimeout
  }

  onTestCaseResult(test: TestCase): void {
    const { duration: tookMs = 0 } = test.diagnostic() ?? {}
    this.#look({
      what: `${test.module.relativeModuleId}: ${test.fullName}`,
      tookMs,
      limitMs: test.options.timeout ?? 0,
    })
  }

  onHookStart(hook: ReportedHookContext): void {
    this.#hookStartMs.set(nameOf(hook), performance.now())
  }

  onHookEnd(hook: ReportedHookContext): void {
    const what = nameOf(hook)
    const tookMs = performance.now() - (this.#hookStartMs.get(what) ?? performance.now())
    this.#look({ what, tookMs, limitMs: this.#hookTimeoutMs })
  }

  onTestRunEnd(): void {
    for (const line of readFileSync(this.#waits, 'utf8').split('\n'))
      if (line) this.#look(JSON.parse(line) as Wait)
    rmSync(this.#directory, { recursive: true })
    const lines = this.#near.map(
      ({ what, tookMs, limitMs }) => `${Math.round(tookMs)} ms of a limit of ${limitMs} ms: ${what}\n`,
    )
    process.stdout.write(
      `\n${this.#measured} tests, hooks and waits: ${lines.length} nearer than ${FACTOR_MIN} times to their limit\n${lines.join('')}`,
    )
    if (lines.length > 0) process.exitCode = 1
  }

  #look(wait: Wait): void {
    this.#measured += 1
    if (wait.tookMs * FACTOR_MIN > wait.limitMs) this.#near.push(wait)
  }
}

function nameOf({ name, entity }: ReportedHookContext): string {
  const suite = entity.type === 'module' ? entity.relativeModuleId : entity.fullName
  return `${name} of ${suite}`
}
