import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Broker } from '../../lib/broker/broker.ts'

/** Runs a program of the tests; resolves with how it ended: its signal, its output, or its exit code. */
export async function runChild(program: string, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return signal ?? (code === 0 ? output : `exit code ${code}`)
}

/** The durable broker that such a program has in the directory, between two runs of it. */
export async function withBroker<T>(directory: string, use: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
  try {
    return await use(broker)
  } finally {
    await broker.close()
  }
}
