let listening: string | undefined

/** Where the provider of this file's service is: in this process, else in the first one's site. */
export function providerAddress(): string {
  const { PORT = '8080', MILLRACE_CONSOLE_URL: site } = process.env
  const room = site === undefined ? `http://127.0.0.1:${PORT}` : `${site}/rooms/renewals`
  return listening ?? `${room}/provider`
}

/** The service listens there now; undefined: it does not any more. */
export function setProviderAddress(serviceUrl: string | undefined): void {
  listening = serviceUrl === undefined ? undefined : `${serviceUrl}/provider`
}
