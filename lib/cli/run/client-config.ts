import { readFile } from 'node:fs/promises'
import { errorFrom } from '../../common/errors/errors.ts'
import { UsageError } from '../output/exit-code.ts'
import { isLocal, type SharedOptions } from '../options/run-options.ts'

export interface ClientConfig {
  readonly [name: string]: string
}

/**
 * Settings of the Kafka client (security, SASL) out of a file of `name=value` lines, as Kafka's own tools
 * take them with `--command-config`: secrets do not belong on a command line. Lines that begin with `#` are
 * comments.
 */
export async function readClientConfig({
  clientConfig,
  brokers,
}: Pick<SharedOptions, 'clientConfig' | 'brokers'>): Promise<ClientConfig | undefined> {
  if (clientConfig === undefined) return undefined
  if (isLocal(brokers)) {
    throw new UsageError(
      'CLIENT_CONFIG_UNUSED',
      `--client-config is for a Kafka cluster; the brokers are "${brokers}"`,
    )
  }
  const text = await readFile(clientConfig, 'utf8').catch((reason: unknown) => {
    throw new UsageError('CLIENT_CONFIG_UNREADABLE', `--client-config: ${errorFrom(reason).message}`)
  })
  return Object.fromEntries(
    text.split(/\r?\n/).flatMap((line, at) => settingOf(line, `${clientConfig}:${at + 1}`)),
  )
}

function settingOf(line: string, place: string): [name: string, value: string][] {
  const trimmed = line.trim()
  if (trimmed === '' || trimmed.startsWith('#')) return []
  const split = trimmed.indexOf('=')
  if (split > 0) return [[trimmed.slice(0, split).trim(), trimmed.slice(split + 1).trim()]]
  throw new UsageError('CLIENT_CONFIG_INVALID', `${place}: "${trimmed}" is not name=value`)
}
