import { BrokerError } from '../../broker/broker-error.ts'
import type { Broker, OutgoingRecord, Producer } from '../../broker/broker.ts'
import { bytesToMapKey } from '../../common/bytes.ts'

/**
 * Sends records of any number of callers through one idempotent producer, which is opened with the first
 * record and anew after a failure. Whoever sends while a flush is under way shares the next one.
 */
export class RecordSender {
  readonly #broker: Broker
  readonly #clientId: string
  readonly #refusals = new Map<string, BrokerError>()
  #opening: Promise<Producer> | undefined
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(broker: Broker, clientId: string) {
    this.#broker = broker
    this.#clientId = clientId
  }

  /**
   * Resolves when the record is acknowledged. Rejects with what the brokers refused: then it was not written.
   * Any other error leaves open whether it was.
   */
  async send(record: OutgoingRecord): Promise<void> {
    const producer = await this.#open()
    if (!producer.writable) await producer.drained()
    producer.send(record)
    await (this.#next ??= this.#flush(producer))
    const key = keyOf(record, record.value?.length ?? 0)
    const refusal = this.#refusals.get(key)
    this.#refusals.delete(key)
    if (refusal) throw refusal
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => undefined)
    await this.#last
    const opening = this.#opening
    this.#opening = undefined
    await (await opening?.catch(() => undefined))?.close()
  }

  async #flush(producer: Producer): Promise<void> {
    await this.#last
    this.#next = undefined
    const flushing = producer.flush()
    this.#last = flushing.catch(() => undefined)
    try {
      await flushing
    } catch (error) {
      this.#opening = undefined
      await producer.close()
      throw error
    }
  }

  #open(): Promise<Producer> {
    return (this.#opening ??= this.#broker
      .producer({
        clientId: this.#clientId,
        onSendError: (error, record) => {
          this.#refusals.set(keyOf(record, record.valueBytes), error)
          return 'continue'
        },
      })
      .catch((error: unknown) => {
        this.#opening = undefined
        throw error
      }))
  }
}

/** Whether the brokers have refused the record for good: it was not written, and will not be. */
export function isRefused(error: unknown): boolean {
  return error instanceof BrokerError && (error.class === 'record-refused' || error.class === 'authorization')
}

/** What is known of a record before it is sent, and of one that was refused. */
function keyOf(record: Pick<OutgoingRecord, 'key' | 'timestamp'>, valueBytes: number): string {
  return `${record.timestamp}/${valueBytes}/${record.key ? bytesToMapKey(record.key) : ''}`
}
