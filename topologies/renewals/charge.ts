import { NonRetriableError, type AsyncCall } from 'millrace'
import type { Receipt, Renewal } from './records.ts'

type Fetch = (request: Request) => Response | Promise<Response>

let provider: Fetch | undefined

/** The provider of this file's service answers by `fetch` now; undefined: it does not any more. */
export function setProvider(fetch: Fetch | undefined): void {
  provider = fetch
}

/**
 * Asks `url`, by default the provider in this process, or else that of the first one. The same key at each
 * try: the provider charges once for it, whatever became of its answers.
 */
export async function charge(
  url: string | undefined,
  customer: string,
  { renewal, call: { idempotencyKey = '', signal } }: { readonly renewal: Renewal; readonly call: AsyncCall },
): Promise<Receipt> {
  const ask = url === undefined && provider ? provider : fetch
  const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey }
  const options = { method: 'POST', headers, body: JSON.stringify(renewal), signal }
  const response = await ask(new Request(`${url ?? firstOne()}/charges/${customer}`, options))
  if (response.ok) return { ...renewal, ...((await response.json()) as Pick<Receipt, 'chargedMs'>) }
  const { error } = (await response.json()) as { readonly error: { readonly message: string } }
  if (response.status === 402) throw new NonRetriableError(error.message)
  throw new Error(error.message)
}

function firstOne(): string {
  const { PORT = '8080', MILLRACE_CONSOLE_URL: site } = process.env
  return `${site === undefined ? `http://127.0.0.1:${PORT}` : `${site}/rooms/renewals`}/provider`
}
