import { closeSync, openSync, writeSync } from 'node:fs'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Mapper } from '../../options/functions.ts'
import type { PrintedOptions } from '../../options/options.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addStreamNode } from '../../kit/add-node.ts'

/** Prints a stream while developing: at once, record by record, and again after a failure. */
class Print<K, V> implements Processor<K, V> {
  readonly #label: string
  readonly #format: Mapper<K, V, string>
  readonly #filePath: string | undefined
  readonly #owner: CallbackOwner
  #file: number = process.stdout.fd

  constructor(
    label: string,
    format: Mapper<K, V, string>,
    filePath: string | undefined,
    owner: CallbackOwner,
  ) {
    this.#label = label
    this.#format = format
    this.#filePath = filePath
    this.#owner = owner
  }

  init(): void {
    // Appending lets the tasks of one application write to one file.
    if (this.#filePath !== undefined) this.#file = openSync(this.#filePath, 'a')
  }

  process(record: Record<K, V>): void {
    const line = synchronous(this.#format(record.value, record.key), this.#owner)
    writeSync(this.#file, `[${this.#label}]: ${line}\n`)
  }

  close(): void {
    if (this.#filePath !== undefined) closeSync(this.#file)
  }
}

/** Prints a stream. The label is the name of the node above unless one is given, as in Kafka Streams. */
export function print<K, V>(stream: StreamHandle, options: PrintedOptions<K, V> = {}): void {
  const { label = stream.name, format = keyAndValue, filePath } = options
  const get = (node: string) =>
    new Print(label, format as Mapper<unknown, unknown, string>, filePath, {
      callback: 'the format of print',
      node,
    })
  addStreamNode(stream, { prefix: 'KSTREAM-PRINTER-', name: options.name, get })
}

function keyAndValue(value: unknown, key: unknown): string {
  return `${shown(key)}, ${shown(value)}`
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
