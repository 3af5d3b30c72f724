import { describe, expect, it } from 'vitest'
import { Progress, progressText, type Done } from '../../lib/cli/output/progress.ts'
import { silentLogger, type Logger } from '../../lib/common/logger.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { directoryWith, runCli } from './cli-process.ts'
import { hasTerminals, TerminalProcess } from './terminal-process.ts'

function shown({ isTTY }: { readonly isTTY: boolean }) {
  const written: string[] = []
  const logged: string[] = []
  const clock = new VirtualClock()
  const progress = new Progress({ isTTY, write: (text: string) => written.push(text) }, clock)
  const logger: Logger = { log: (_, message) => logged.push(`${clock.nowMs() - 1_000_000} ${message}`) }
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) clock.stall(500)
  }
  return { written, logged, progress, logger, pass }
}

describe('progress', () => {
  it.each<[Done, number, string]>([
    [{ count: 1_200, share: 0.24 }, 4_000, '1,200 records sent (24 %), 275/s, 14 s left'],
    [{ count: 1_200, share: undefined }, 4_000, '1,200 records sent, 275/s'],
    [{ count: 100, share: 0.02 }, 0, '100 records sent (2 %)'],
    [{ count: 101, share: 0.0201 }, 1_000, '101 records sent (2 %), 1/s, 2 h 44 min left'],
    [{ count: 600, share: 0.12 }, 30_000, '600 records sent (12 %), 17/s, 5 min left'],
    [{ count: 5_000, share: 1 }, 30_000, '5,000 records sent (100 %), 163/s, 0 s left'],
  ])('%j after %d ms: %s', (done, ms, text) => {
    const begun = { ms: 1_000, done: { count: 100, share: 0.02 }, nowMs: 1_000 + ms }
    expect(progressText('sent', done, begun)).toBe(text)
  })

  it('on a terminal: one line for all, written over, gone at the end and where somebody else writes', () => {
    const { written, progress, pass } = shown({ isTTY: true })
    let count = 100
    const end = progress.add({ what: 'sent', read: () => ({ count, share: undefined }) }, silentLogger)
    const endOther = progress.add({ what: 'restored', read: () => undefined }, silentLogger)
    pass(500)
    count = 300
    pass(500)
    expect(written).toEqual(['100 records sent', '\r\u001b[K', '300 records sent, 400/s'])
    progress.clear()
    progress.clear()
    expect(written.slice(3)).toEqual(['\r\u001b[K'])
    pass(500)
    end()
    endOther()
    pass(5_000)
    expect(written.slice(4)).toEqual(['300 records sent, 200/s', '\r\u001b[K'])
  })

  it('elsewhere: lines of the log, each after twice the time', () => {
    const { written, logged, progress, logger, pass } = shown({ isTTY: false })
    let count = 0
    const end = progress.add({ what: 'sent', read: () => ({ count: ++count, share: undefined }) }, logger)
    pass(160_000)
    const times = logged.map(line => Number(line.split(' ')[0]))
    const pauses = times.map((time, at) => time - (times[at - 1] ?? 2_500))
    expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000])
    expect(written).toEqual([])
    end()
    pass(600_000)
    expect(logged).toHaveLength(4)
  })
})

describe.skipIf(!hasTerminals)('on a terminal', () => {
  it('produce shows how many records are written, and how fast', async () => {
    const directory = await directoryWith({})
    await runCli(['topics', 'create', 'lines', '--partitions', '1'], { directory })
    const terminal = await TerminalProcess.start(['produce', 'lines', '--log-level', 'debug'], { directory })
    await terminal.answers('reading standard input', 'a line')
    await terminal.shows('1 records written to lines, ')
    terminal.type('\u0004')
    expect(await terminal.end).toMatchObject({ code: 0 })
    expect(terminal.shown.trimEnd().endsWith('1')).toBe(true)
  })
})
