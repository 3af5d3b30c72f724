import type { Admin, Broker } from '../broker.ts'

/** An admin client that is opened when it is first asked for. */
export class AdminOnDemand {
  readonly #broker: Broker
  #opening: Promise<Admin> | undefined

  constructor(broker: Broker) {
    this.#broker = broker
  }

  /** After a failure the next call tries again. */
  readonly get = (): Promise<Admin> => {
    this.#opening ??= this.#broker.admin().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async close(): Promise<void> {
    const admin = await this.#opening?.catch(() => undefined)
    this.#opening = undefined
    await admin?.close()
  }
}
