import type { IncomingMessage } from 'node:http'
import { systemRandom, type Clock, type Logger, type ServiceContext } from 'millrace'
import type { Acceptances } from './acceptances.ts'
import { RequestError } from '../../web/request-error.ts'
import { channelOrThrow } from './request-values.ts'
import { fileTooLarge, Upload } from './upload.ts'
import type { UploadSender } from './upload-sender.ts'

const BYTES_MAX = 1024 * 1024 * 1024
const UPLOADS_MAX = 16
const IDLE_MS = 60_000
const FILE_NAME_CHARACTERS_MAX = 200

export interface UploadRequest {
  readonly incoming: IncomingMessage
  readonly channel: string | undefined
  readonly fileName: string | undefined
}

type RouteContext = Pick<ServiceContext, 'clock' | 'logger'>

/** `POST /imports`: streams the body into the topic, and answers when its last record is acknowledged. */
export class UploadRoute {
  readonly #sender: UploadSender
  readonly #acceptances: Acceptances
  readonly #clock: Clock
  readonly #logger: Logger
  #underWay = 0

  constructor(sender: UploadSender, acceptances: Acceptances, { clock, logger }: RouteContext) {
    this.#sender = sender
    this.#acceptances = acceptances
    this.#clock = clock
    this.#logger = logger
  }

  /** Returns the import's id. Throws `RequestError`: then nothing is imported. */
  async accept({ incoming, channel: given, fileName: name }: UploadRequest): Promise<string> {
    const channel = channelOrThrow(given)
    checkHeaders(incoming)
    if (this.#underWay >= UPLOADS_MAX) {
      throw new RequestError(503, 'TOO_MANY_UPLOADS', `${UPLOADS_MAX} uploads are under way: try again soon`)
    }
    const importId = systemRandom.uuid()
    const fileName = name?.slice(0, FILE_NAME_CHARACTERS_MAX)
    const upload = new Upload({ importId, channel, fileName, bytesMax: BYTES_MAX }, this.#sender, this.#clock)
    this.#underWay += 1
    try {
      for await (const bytes of bodyOf(incoming)) await upload.write(bytes)
      const endedMs = this.#clock.monotonicMs()
      await upload.finish()
      const { total } = upload
      this.#logger.log('debug', 'import accepted', {
        importId,
        total,
        ms: this.#clock.monotonicMs() - endedMs,
      })
    } finally {
      this.#underWay -= 1
      upload.close()
    }
    this.#acceptances.add(importId, upload.total)
    return importId
  }
}

/**
 * The bytes as they come. Leaving the loop early must not destroy the request: its answer is still to be
 * written.
 */
async function* bodyOf(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  incoming.setTimeout(IDLE_MS, () => incoming.destroy())
  try {
    yield* incoming.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>
  } catch {
    throw new RequestError(400, 'UPLOAD_BROKEN_OFF', 'the upload ended before the file did')
  } finally {
    incoming.setTimeout(0)
  }
}

function checkHeaders({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (type.trim() !== 'text/csv') {
    throw new RequestError(415, 'NOT_CSV', `the content type is "${type.trim()}": it must be text/csv`)
  }
  const charset = parameters
    .map(parameter => /^\s*charset="?([^"\s]+)"?\s*$/.exec(parameter)?.[1])
    .find(Boolean)
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
    throw new RequestError(415, 'NOT_UTF8', `the character set is "${charset}": it must be utf-8`)
  }
  if (Number(headers['content-length'] ?? 0) > BYTES_MAX) throw fileTooLarge(BYTES_MAX)
}
