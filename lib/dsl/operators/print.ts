import { closeSync, openSync, writeSync } from 'node:fs'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { Mapper } from '../functions.ts'
import type { PrintedOptions } from '../options.ts'
import type { StreamPart } from '../part.ts'
import { addStreamNode } from './add-node.ts'

/** For looking at a stream while developing: written at once, record by record, and again after a failure. */
class Print<K, V> implements Processor<K, V> {
  readonly #label: string
  readonly #format: Mapper<K, V, string>
  readonly #filePath: string | undefined
  #file: number = process.stdout.fd

  constructor(label: string, format: Mapper<K, V, string>, filePath: string | undefined) {
    this.#label = label
    this.#format = format
    this.#filePath = filePath
  }

  init(): void {
    // Appending lets the tasks of one application write to one file.
    if (this.#filePath !== undefined) this.#file = openSync(this.#filePath, 'a')
  }

  process(record: Record<K, V>): void {
    writeSync(this.#file, `[${this.#label}]: ${this.#format(record.value, record.key)}\n`)
  }

  close(): void {
    if (this.#filePath !== undefined) closeSync(this.#file)
  }
}

/** The label is the name of the node above unless one is given, as upstream. */
export function print<K, V>(stream: StreamPart, options: PrintedOptions<K, V> = {}): void {
  const { label = stream.name, format = keyAndValue, filePath } = options
  const get = () => new Print(label, format as Mapper<unknown, unknown, string>, filePath)
  addStreamNode(stream, { prefix: 'KSTREAM-PRINTER-', name: options.name, get })
}

function keyAndValue(value: unknown, key: unknown): string {
  return `${shown(key)}, ${shown(value)}`
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
