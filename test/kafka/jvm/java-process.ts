import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { brokerJars } from '../broker-jars.ts'

/** A program of Kafka Streams', from the jars that the broker comes with. */
export class JavaProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | string>
  #output = ''
  #errors = ''

  private constructor(args: readonly string[]) {
    this.#child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-6000)
    })
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => resolve(signal ?? code ?? 'unknown'))
    })
  }

  static async start(mainClass: string, args: readonly string[]): Promise<JavaProcess> {
    const jars = await brokerJars(() => undefined)
    // Small and quick to start: these programs see a few hundred records.
    const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
    return new JavaProcess([...flags, '-cp', join(jars, '*'), mainClass, ...args])
  }

  get errors(): string {
    return this.#errors
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** What it wrote, when it has ended by itself. Throws where that was a failure. */
  async output(): Promise<string> {
    const ending = await this.#ended
    if (ending !== 0) throw new Error(`the JVM program ended by ${ending}: ${this.#errors || this.#output}`)
    return this.#output
  }

  /** Ends it in order: it closes on SIGTERM. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }
}
