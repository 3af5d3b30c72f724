import { describe, expect, it } from 'vitest'
import { directoryWith, runCli } from './cli-process.ts'

const FILES = {
  'renewals.ts': `
import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const json = { keySerde: serdes.string(), valueSerde: serdes.json() }
builder.schedule('renewal-run', { cron: '0 6 1 * *', timeZone: 'Europe/Berlin' }).to('runs', json)
builder.schedules({ to: { renewals: { topic: 'renewals', ...json } } })
export default builder.build()
export const topics = ['runs', 'renewals'].map(topic => ({ topic, partitionCount: 1 }))
`,
  'plain.ts': `
import { serdes, StreamsBuilder } from 'millrace'
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const builder = new StreamsBuilder()
builder.stream('a', text).to('b', text)
export default builder.build()
`,
}
const RENEW = ['renew-u7', '--cron', '0 6 1 * *', '--time-zone', 'Europe/Berlin', '--to', 'renewals']
const RECORD = ['--key', 'u7', '--value', '{"plan":"yoga"}']

/** An application that has run once, and stands still. */
async function stage() {
  const directory = await directoryWith(FILES)
  const run = () => runCli(['run', 'renewals.ts', '--exit-when-idle'], { directory })
  expect((await run()).code).toBe(0)
  const schedules = (...args: string[]) => runCli(['schedules', 'renewals.ts', ...args], { directory })
  return { directory, run, schedules }
}

describe('millrace schedules', () => {
  it('writes, lists, pauses, resumes, triggers and deletes, and the next run keeps to it', async () => {
    const { directory, run, schedules } = await stage()
    expect(await schedules('put', ...RENEW, ...RECORD)).toMatchObject({
      code: 0,
      stdout: 'renew-u7: written\n',
    })
    const rows = async () => (await schedules('list')).stdout.split('\n').map(line => line.split(/ {2,}/))
    const [heading, ofCode, ofData] = await rows()
    expect(heading).toEqual(['ID', 'WHEN', 'NEXT', 'LAST', 'PAUSED', 'SOURCE'])
    expect(ofCode?.[0]).toBe('renewal-run')
    expect(ofCode?.slice(3)).toEqual(['-', '-', 'code'])
    expect(ofData?.slice(0, 2)).toEqual(['renew-u7', '0 6 1 * * Europe/Berlin'])
    // The application has not taken it up.
    expect(ofData?.slice(3)).toEqual(['?', '-', 'data'])
    const times = (await schedules('next', 'renew-u7', '--count', '3')).stdout.trim().split('\n')
    expect(times).toHaveLength(3)
    for (const time of times) expect(time).toMatch(/T0[45]:00:00\.000Z$/)
    expect((await schedules('pause', 'renew-u7', '--reason', 'fraud check')).stdout).toBe(
      'renew-u7: paused\n',
    )
    expect((await schedules('trigger', 'renew-u7')).stdout).toMatch(
      /^renew-u7: triggered, as renew-u7@trigger-/,
    )
    expect((await run()).code).toBe(0)
    const shown = JSON.parse((await schedules('show', 'renew-u7')).stdout) as object
    expect(shown).toMatchObject({
      id: 'renew-u7',
      isTaken: true,
      next: null,
      paused: { reason: 'fraud check' },
      to: { sink: 'renewals', key: 'u7', value: '{"plan":"yoga"}' },
    })
    const consumed = await runCli(['consume', 'renewals'], { directory })
    expect(consumed.stdout).toContain('yoga')
    expect((await schedules('resume', 'renew-u7')).stdout).toBe('renew-u7: resumed\n')
    expect((await schedules('delete', 'renew-u7')).stdout).toBe('renew-u7: deleted\n')
    const left = (await schedules('list', '--format', 'json')).stdout.trim().split('\n')
    expect(left.map(line => (JSON.parse(line) as { id: string }).id)).toEqual(['renewal-run'])
  })

  it('refuses what cannot be, with its reason', async () => {
    const { directory, schedules } = await stage()
    const refusals: [string[], string][] = [
      [['pause', 'renewal-rum'], 'there is no schedule renewal-rum; did you mean renewal-run?'],
      [['pause'], 'pause needs the id of a schedule'],
      [['list', 'renewal-run'], 'list takes no "renewal-run"'],
      [['delete', 'renewal-run'], 'schedule renewal-run is in the code of renewals'],
      [['put', 'x', '--to', 'renewals'], 'put needs when'],
      [['put', 'x', '--cron', '0 0 1 1 *', '--to', 'renewals'], 'put needs when'],
      [
        ['put', 'x', '--every', '5', '--to', 'renewal'],
        'schedules have no sink renewal; did you mean renewals?',
      ],
      [['put', 'x', '--at', '2020-01-01T00:00:00Z', '--to', 'renewals'], 'which is past'],
      [
        ['put', 'x', '--cron', '0 0 30 2 *', '--time-zone', 'UTC', '--to', 'renewals'],
        'no year has such a date',
      ],
      [['next', 'renewal-run', '--reason', 'why'], '--reason is for pause, and this is next'],
    ]
    for (const [args, message] of refusals) {
      const { code, stderr } = await schedules(...args)
      expect(stderr).toContain(message)
      expect(code).toBe(2)
    }
    const plain = await runCli(['schedules', 'plain.ts', 'list'], { directory })
    expect(plain.stderr).toContain('plain has no schedules')
  }, 60_000)
})
