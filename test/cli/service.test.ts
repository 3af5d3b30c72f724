import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

/** A copy of one topic to another, with a service. */
function program(service: string): { readonly 'app.ts': string } {
  return {
    'app.ts': `import { serdes, StreamsBuilder, type KafkaStreams } from 'millrace'
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('in', text).to('out', text)
export default (settings: object) => builder.build()
export const topics = [{ topic: 'extra', partitionCount: 3 }]
export const config = { commitIntervalMs: 50 }
export const service = async (streams: KafkaStreams, context: any) => {
  ${service}
}
`,
  }
}

const RUN = ['run', 'app.ts', '--brokers', 'memory']

describe('a service', () => {
  it('starts when the application is running, and is disposed before it closes', async () => {
    const directory = await directoryWith(
      program(`console.log('service: ' + streams.state)
  return { async [Symbol.asyncDispose]() { console.log('disposed: ' + streams.state) } }`),
    )
    const process = await CliProcess.start(RUN, { directory })
    await process.printed('service: ')
    const end = await process.stop()
    expect(end.stdout).toBe('service: running\ndisposed: running\n')
    expect(end.code).toBe(0)
  })

  it('is told where to listen, its settings, its state directory, and can use the broker', async () => {
    const directory = await directoryWith(
      program(`const admin = await context.broker.admin()
  const { partitionCount } = (await admin.describeTopics(['extra'])).get('extra')
  const { host, port, stateDir, applicationId, settings, processIndex } = context
  console.log(JSON.stringify({ host, port, stateDir, applicationId, settings, processIndex, partitionCount }))
  return { async [Symbol.asyncDispose]() { await admin.close() } }`),
    )
    const process = await CliProcess.start(
      [...RUN, '--set', 'colour=red', '--set', 'commitIntervalMs=20', '--application-id', 'painter'],
      { directory, env: { HOST: '0.0.0.0', PORT: '12345', MILLRACE_STATE_DIR: 'elsewhere' } },
    )
    await process.printed('\n')
    expect(JSON.parse(process.stdout)).toEqual({
      host: '0.0.0.0',
      port: 12_345,
      stateDir: 'elsewhere',
      applicationId: 'painter',
      settings: { colour: 'red' },
      processIndex: 0,
      partitionCount: 3,
    })
    expect(await process.stop('SIGINT')).toMatchObject({ code: 0 })
  })

  it('that fails to start ends the run with 1, and everything is closed', async () => {
    const directory = await directoryWith(
      program(`throw Object.assign(new Error('port taken'), { code: 'TAKEN' })`),
    )
    const end = await runCli(RUN, { directory })
    expect(end.stderr).toMatch(/^error: TAKEN: port taken$/m)
    expect(end.stderr).not.toContain('does not end')
    expect(end.code).toBe(1)
  })

  it('that returns nothing to dispose is refused', async () => {
    const directory = await directoryWith(program('return {}'))
    const end = await runCli(RUN, { directory })
    expect(end.stderr).toContain('SERVICE_NOT_DISPOSABLE: service() of app.ts must return an object')
    expect(end.code).toBe(1)
  })

  it('whose disposal fails makes the end a failure, the rest is closed all the same', async () => {
    const directory = await directoryWith(
      program(`return { async [Symbol.asyncDispose]() { throw new Error('stuck') } }`),
    )
    const process = await CliProcess.start(RUN, { directory })
    await process.logged('is running')
    const end = await process.stop()
    expect(end.stderr).toContain('closing the service: stuck')
    expect(end.code).toBe(1)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'that hangs in its disposal: a second %s ends the process at once, with 1',
    async signal => {
      const directory = await directoryWith(
        program(`console.log('up')
  return { [Symbol.asyncDispose]: () => { console.log('disposing'); return new Promise(() => undefined) } }`),
      )
      const process = await CliProcess.start(RUN, { directory })
      await process.printed('up')
      process.child.kill(signal)
      await process.printed('disposing')
      // One that comes too soon is taken for the first, told twice.
      await eventually(() => {
        process.child.kill(signal)
        return process.child.exitCode !== null
      })
      const end = await process.stop(signal)
      expect(end.stderr).toContain('INTERRUPTED')
      expect(end.code).toBe(1)
    },
  )

  it('that leaves something open: the process ends all the same, and says what', async () => {
    const directory = await directoryWith(
      program(`const { createServer } = await import('node:net')
  createServer().listen(0, '127.0.0.1')
  console.log('up')
  return { async [Symbol.asyncDispose]() {} }`),
    )
    const process = await CliProcess.start(RUN, { directory })
    await process.printed('up')
    const end = await process.stop()
    expect(end.stderr).toMatch(/does not end; it is ended now\. Open: .*TCPServer/)
    expect(end.code).toBe(0)
  })
})
