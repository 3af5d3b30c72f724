import type { ServedSite, ServiceContext } from 'millrace'
import { upgradesTo, type UpgradeTaker } from 'millrace/push'
import type { Closing } from './closing.ts'

/** Serves an application with its hub. Returns where it is; the hub says farewell before the site closes. */
export async function serveApp(
  app: Pick<ServedSite, 'fetch'>,
  {
    context,
    hub,
    closing,
  }: {
    readonly context: ServiceContext
    readonly hub: UpgradeTaker & AsyncDisposable
    readonly closing: Closing
  },
): Promise<string> {
  const { fetch } = app
  const serving = await context.serve({ fetch, upgrade: upgradesTo([hub]) })
  closing.add(() => serving.close())
  closing.use(hub)
  return serving.url
}
