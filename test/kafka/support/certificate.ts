import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A broker's key, in a store of type PKCS12, and the authority that vouches for it. */
export interface Certificate {
  readonly keystore: string
  readonly password: string
  /** Path of the certificate, as clients trust it: `ssl.ca.location`. */
  readonly authority: string
}

const PASSWORD = 'changeit'

/** A certificate for 127.0.0.1 that vouches for itself; its files are `name.p12` and `name.pem`. */
export async function makeCertificate(directory: string, name = 'broker'): Promise<Certificate> {
  const run = promisify(execFile)
  const keystore = join(directory, `${name}.p12`)
  const store = ['-keystore', keystore, '-storepass', PASSWORD, '-alias', 'broker']
  const subject = ['-dname', 'CN=broker', '-ext', 'SAN=ip:127.0.0.1', '-validity', '2', '-keyalg', 'RSA']
  await run('keytool', ['-genkeypair', '-storetype', 'PKCS12', ...store, ...subject])
  const authority = join(directory, `${name}.pem`)
  await run('keytool', ['-exportcert', '-rfc', ...store, '-file', authority])
  return { keystore, password: PASSWORD, authority }
}
