import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { OverviewServer } from '../../server/overview-server.ts'
import type { Report } from '../run/report.ts'

const ABOUT =
  'The application is started again whenever one of its files changes. Topics, offsets and state stay.'

/** The page of what runs under `millrace dev`: it stays while the application is started anew. */
export class DevPage {
  readonly url: string
  readonly #server: OverviewServer
  #applicationId: string

  private constructor(url: string, server: OverviewServer, name: string) {
    this.url = url
    this.#server = server
    this.#applicationId = name
  }

  /** At this port, or where that is taken at a free one. Rejects with `LISTEN_FAILED`. */
  static async open(
    name: string,
    around: { readonly host: string; readonly port: number; readonly brokers: string; readonly clock: Clock },
  ): Promise<DevPage> {
    const { host, port, brokers, clock } = around
    const first = { applicationId: name, title: name, description: '', hasService: false }
    const server = new OverviewServer([first], { brokers, clock, about: ABOUT, isLive: true })
    const url = await server.listen(host, port).catch((error: unknown) => {
      if (!isTaken(error)) throw error
      return server.listen(host, 0)
    })
    return new DevPage(url, server, name)
  }

  started(): void {
    this.#server.tell(this.#applicationId, { state: 'starting', url: undefined })
  }

  tell(report: Report): void {
    if (report.kind === 'loaded') {
      this.#applicationId = report.applicationId
      this.#server.show(report)
    } else if (report.kind === 'progress') {
      this.#server.tell(this.#applicationId, { state: report.state, url: report.url })
    }
  }

  ended(isClean: boolean): void {
    this.#server.tell(this.#applicationId, { state: isClean ? 'closed' : 'error', url: undefined })
  }

  close(): Promise<void> {
    return this.#server.close()
  }
}

function isTaken(error: unknown): boolean {
  const { cause } = error instanceof StreamsError ? error : {}
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
}
