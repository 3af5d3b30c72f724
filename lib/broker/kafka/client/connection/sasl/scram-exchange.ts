import { Buffer } from 'node:buffer'
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SaslExchange, SaslMechanism } from './sasl-mechanism.ts'

export type ScramHash = 'sha256' | 'sha512'

/**
 * The most iterations that a broker may ask for: more would block the process for seconds. Kafka's maximum is
 * 16,384.
 */
const ITERATIONS_MAX = 1_000_000

/** SCRAM (RFC 5802, 7677): both sides prove that they know the password, and neither sends it. */
export function scramMechanism(hash: ScramHash, username: string, password: string): SaslMechanism {
  return {
    name: hash === 'sha256' ? 'SCRAM-SHA-256' : 'SCRAM-SHA-512',
    // The nonce must not be predictable, so it does not come from the application's `Random`.
    begin: () => new ScramExchange(hash, username, password, randomBytes(24).toString('base64')),
  }
}

export class ScramExchange implements SaslExchange {
  readonly #hash: ScramHash
  readonly #password: string
  readonly #nonce: string
  readonly #firstBare: string
  #serverSignature: Buffer | undefined

  constructor(hash: ScramHash, username: string, password: string, nonce: string) {
    this.#hash = hash
    this.#password = password
    this.#nonce = nonce
    this.#firstBare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  }

  first(): Buffer {
    return Buffer.from(`n,,${this.#firstBare}`, 'utf8')
  }

  next(challenge: Buffer): Buffer | undefined {
    const message = challenge.toString('utf8')
    const fields = new Map(message.split(',').map(field => [field.slice(0, 1), field.slice(2)]))
    if (this.#serverSignature) {
      this.#verify(fields, this.#serverSignature)
      return undefined
    }
    return this.#prove(message, fields)
  }

  #prove(serverFirst: string, fields: ReadonlyMap<string, string>): Buffer {
    const nonce = fields.get('r') ?? ''
    const salt = fields.get('s')
    const iterations = Number(fields.get('i'))
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce || salt === undefined) {
      throw new Error('the broker’s SCRAM challenge does not belong to this authentication')
    }
    if (!Number.isInteger(iterations) || iterations < 1 || iterations > ITERATIONS_MAX) {
      throw new Error(`the broker asks for ${fields.get('i')} SCRAM iterations`)
    }
    const hash = this.#hash
    const keyBytes = hash === 'sha256' ? 32 : 64
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), iterations, keyBytes, hash)
    const clientKey = hmac(hash, salted, 'Client Key')
    const storedKey = createHash(hash).update(clientKey).digest()
    const finalWithoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#firstBare},${serverFirst},${finalWithoutProof}`
    const signature = hmac(hash, storedKey, authMessage)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
    this.#serverSignature = hmac(hash, hmac(hash, salted, 'Server Key'), authMessage)
    return Buffer.from(`${finalWithoutProof},p=${proof.toString('base64')}`, 'utf8')
  }

  #verify(fields: ReadonlyMap<string, string>, expected: Buffer): void {
    const error = fields.get('e')
    if (error !== undefined) throw new Error(`the broker refuses: ${error}`)
    const signature = Buffer.from(fields.get('v') ?? '', 'base64')
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new Error('the broker does not know the password: it may be somebody else')
    }
  }
}

function hmac(hash: ScramHash, key: Buffer, message: string): Buffer {
  return createHmac(hash, key).update(message, 'utf8').digest()
}
