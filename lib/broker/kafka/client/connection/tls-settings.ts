import { readFile } from 'node:fs/promises'
import { rootCertificates, type ConnectionOptions } from 'node:tls'
import { ConfigError, errorFrom } from '../../../../common/errors/errors.ts'
import type { ClientProperties } from '../../settings/client-settings.ts'
import { flag } from './connection-settings.ts'

/** Where Linux distributions keep the machine's certificate authorities; librdkafka looks there, too. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** The TLS settings of librdkafka's names, as `node:tls` takes them. Files are read once, here. */
export async function tlsSettings(client: ClientProperties): Promise<ConnectionOptions> {
  const text = (name: string) => (client[name] === undefined ? undefined : String(client[name]))
  const verifies = flag(client, 'enable.ssl.certificate.verification', true)
  const identifies = (text('ssl.endpoint.identification.algorithm') ?? 'https') !== 'none'
  const passphrase = text('ssl.keystore.password') ?? text('ssl.key.password')
  const keystore = text('ssl.keystore.location')
  const settings: ConnectionOptions = {
    ca: await authorities(client),
    rejectUnauthorized: verifies,
    cert: await pem(client, 'ssl.certificate'),
    key: await pem(client, 'ssl.key'),
    pfx: keystore === undefined ? undefined : await bytesOf('ssl.keystore.location', keystore),
    passphrase,
    ciphers: text('ssl.cipher.suites'),
    ecdhCurve: text('ssl.curves.list'),
    sigalgs: text('ssl.sigalgs.list'),
    checkServerIdentity: identifies ? undefined : () => undefined,
  }
  // Some versions of Node treat an undefined option otherwise than a missing one.
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

/**
 * The certificate authorities that the settings name; where they name none, those of Node and those of the
 * machine, which librdkafka trusts.
 */
async function authorities(client: ClientProperties): Promise<(string | Buffer)[]> {
  const given = await pem(client, 'ssl.ca')
  if (given !== undefined) return [given]
  const system: Buffer[] = []
  for (const path of SYSTEM_BUNDLES) {
    const bundle = await readFile(path).catch(() => undefined)
    if (bundle) system.push(bundle)
  }
  return [...rootCertificates, ...system.slice(0, 1)]
}

/** A certificate or key: the setting `NAME.pem` holds it, or `NAME.location` names its file. */
async function pem(client: ClientProperties, name: string): Promise<string | Buffer | undefined> {
  const inline = client[`${name}.pem`]
  // A properties file has to hold a certificate in one line, with its line ends escaped.
  if (inline !== undefined) return String(inline).replaceAll('\\n', '\n')
  const path = client[`${name}.location`]
  return path === undefined ? undefined : bytesOf(`${name}.location`, String(path))
}

async function bytesOf(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (reason) {
    const cause = errorFrom(reason)
    throw new ConfigError('CLIENT_SETTING_INVALID', `${name}: ${cause.message}`, { cause })
  }
}
