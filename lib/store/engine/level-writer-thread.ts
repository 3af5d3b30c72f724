import { Level } from 'level'
import { parentPort } from 'node:worker_threads'
import { present } from '../../common/assert.ts'
import { rootOf } from './level-error.ts'
import type { WriterAnswer, WriterRequest } from './level-writer.ts'
import { writeRows } from './level-rows.ts'

/*
 * The thread of `LevelWriter`. What costs time is handing rows to LevelDB one by one; LevelDB itself writes
 * on a thread of Node's pool.
 */

const port = present(parentPort, 'port to the thread that writes')
const databases = new Map<string, Promise<Level<Uint8Array, Uint8Array>>>()

port.postMessage('ready')
port.on('message', (request: WriterRequest) => {
  answer(request).then(
    () => port.postMessage({ id: request.id } satisfies WriterAnswer),
    (error: Error & { code?: string }) => {
      const { message, code } = error
      const root: Error & { code?: string } = rootOf(error)
      const cause = { message: root.message, code: root.code }
      port.postMessage({ id: request.id, error: { message, code, cause } } satisfies WriterAnswer)
    },
  )
})

async function answer({ directory, options, rows }: WriterRequest): Promise<void> {
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
