/** A request for a channel that is refused, before anything of the channel is sent. */
export class PushError extends Error {
  override readonly name = 'PushError'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }

  get body(): string {
    return JSON.stringify({ error: { code: this.code, message: this.message } })
  }

  /** Headers of the answer: what is not the client's fault may be tried again. */
  get headers(): { readonly [name: string]: string } {
    return {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(this.status === 503 && { 'retry-after': '1' }),
    }
  }
}
