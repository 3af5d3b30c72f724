let listening: string | undefined

/** Where the provider of this file's service is: in this process, else in the first one, which has `PORT`. */
export function providerAddress(): string {
  return listening ?? `http://127.0.0.1:${process.env['PORT'] ?? '8080'}/provider`
}

/** The service listens there now; undefined: it does not any more. */
export function setProviderAddress(serviceUrl: string | undefined): void {
  listening = serviceUrl === undefined ? undefined : `${serviceUrl}/provider`
}
