import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import avsc from 'avsc'

interface Version {
  readonly id: number
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly unknown[]
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

const ok = (body: unknown): Answer => ({ status: 200, body })
const refusal = (status: number, error_code: number, message: string): Answer => ({
  status,
  body: { error_code, message },
})

/**
 * A schema registry over HTTP, as far as our client uses one: subjects, ids, compatibility (backward, by
 * avsc), and faults on demand.
 */
export class HttpRegistry implements AsyncDisposable {
  readonly url: string
  /** `METHOD path` of every request, in order. */
  readonly requests: string[] = []
  /** What `authorization` must be; undefined: nothing is asked for. */
  authorization: string | undefined
  /** Asked before each answer: a status to answer with instead, or a promise to wait for. */
  fault: ((request: string) => number | Promise<unknown> | undefined) | undefined
  readonly #server: ReturnType<typeof createServer>
  readonly #subjects = new Map<string, Version[]>()
  readonly #ids = new Map<number, Version>()

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => void this.#serve(request, response))
  }

  static async open(): Promise<HttpRegistry> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HttpRegistry(server)
  }

  /** Puts a schema there as another program would; returns its id. */
  add(subject: string, schema: unknown, extra: Omit<Version, 'id' | 'schema'> = {}): number {
    const text = JSON.stringify(schema)
    const known = [...this.#ids.values()].find(version => version.schema === text)
    const version = known ?? { id: this.#ids.size + 1, schema: text, ...extra }
    this.#ids.set(version.id, version)
    const versions = this.#subjects.get(subject) ?? []
    if (!versions.some(({ id }) => id === version.id)) this.#subjects.set(subject, [...versions, version])
    return version.id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const name = `${request.method} ${decodeURIComponent(request.url!)}`
    this.requests.push(name)
    const fault = this.fault?.(name)
    if (fault instanceof Promise) await fault
    const { status, body } =
      typeof fault === 'number'
        ? refusal(fault, fault * 100, 'on purpose')
        : this.#answer(
            request,
            chunks.length > 0 ? (JSON.parse(String(Buffer.concat(chunks))) as Version) : undefined,
          )
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
    response.end(JSON.stringify(body))
  }

  #answer({ method, url, headers }: IncomingMessage, body: Version | undefined): Answer {
    if (this.authorization !== undefined && headers.authorization !== this.authorization) {
      return refusal(401, 40101, 'Unauthorized')
    }
    const parts = new URL(url!, this.url).pathname.slice(1).split('/').map(decodeURIComponent)
    if (parts[0] === 'schemas') {
      const found = this.#ids.get(Number(parts[2]))
      return found ? ok(found) : refusal(404, 40403, 'Schema not found')
    }
    if (parts[0] === 'compatibility') return this.#compatibility(parts[2]!, body!)
    const subject = parts[1]!
    const versions = this.#subjects.get(subject) ?? []
    if (method === 'POST' && parts[2] === 'versions') return this.#register(subject, body!)
    if (versions.length === 0) return refusal(404, 40401, `Subject '${subject}' not found.`)
    if (method === 'POST')
      return this.#shown(
        subject,
        versions.findIndex(({ schema }) => schema === body!.schema),
        40403,
      )
    if (parts[3] === undefined) return ok(versions.map((_, at) => at + 1))
    return this.#shown(subject, parts[3] === 'latest' ? versions.length - 1 : Number(parts[3]) - 1, 40402)
  }

  #shown(subject: string, at: number, code: number): Answer {
    const found = this.#subjects.get(subject)![at]
    return found ? ok({ subject, version: at + 1, ...found }) : refusal(404, code, 'not found')
  }

  #register(subject: string, { schema }: Version): Answer {
    try {
      avsc.Type.forSchema(JSON.parse(schema) as never)
    } catch (error) {
      return refusal(422, 42201, `Invalid schema: ${(error as Error).message}`)
    }
    const reasons = this.#incompatibilities(subject, schema)
    if (reasons.length > 0)
      return refusal(409, 409, `Schema being registered is incompatible: ${reasons.join()}`)
    return ok({ id: this.add(subject, JSON.parse(schema)) })
  }

  #compatibility(subject: string, { schema }: Version): Answer {
    const messages = this.#incompatibilities(subject, schema)
    return ok({ is_compatible: messages.length === 0, messages })
  }

  #incompatibilities(subject: string, schema: string): string[] {
    const latest = this.#subjects.get(subject)?.at(-1)
    if (!latest) return []
    try {
      avsc.Type.forSchema(JSON.parse(schema) as never).createResolver(
        avsc.Type.forSchema(JSON.parse(latest.schema) as never),
      )
      return []
    } catch (error) {
      return [(error as Error).message]
    }
  }
}
