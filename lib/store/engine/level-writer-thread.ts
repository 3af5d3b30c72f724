import { Level } from 'level'
import { parentPort } from 'node:worker_threads'
import { present } from '../../common/assert.ts'
import type { WriterAnswer, WriterRequest } from './level-writer.ts'
import { writeRows } from './level-rows.ts'

/*
 * The thread of `LevelWriter`. What costs time is handing rows to LevelDB one by one; LevelDB itself writes on a thread of Node's pool.
 */

const port = present(parentPort, 'port to the thread that writes')
const databases = new Map<string, Promise<Level<Uint8Array, Uint8Array>>>()

port.postMessage('ready')
port.on('message', (requests: readonly WriterRequest[]) => {
  for (const request of requests) void answer(request)
})

async function answer(request: WriterRequest): Promise<void> {
  const { id } = request
  try {
    await carryOut(request)
    port.postMessage({ id } satisfies WriterAnswer)
  } catch (failure) {
    const { message, code } = failure as Error & { code?: string }
    port.postMessage({ id, error: { message, code } } satisfies WriterAnswer)
  }
}

async function carryOut({ directory, options, rows }: WriterRequest): Promise<void> {
  let opened = databases.get(directory)
  if (rows === undefined) {
    databases.delete(directory)
    await (await opened)?.close()
    return
  }
  if (opened === undefined) {
    databases.set(directory, (opened = open(directory, options)))
    opened.catch(() => databases.delete(directory))
  }
  await writeRows(await opened, rows)
}

async function open(directory: string, options: object): Promise<Level<Uint8Array, Uint8Array>> {
  const database = new Level<Uint8Array, Uint8Array>(directory, options)
  await database.open()
  return database
}
