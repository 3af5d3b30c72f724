import type { OutgoingRecord } from '../broker/broker.ts'
import { utf8 } from '../common/bytes.ts'
import { NO_HEADERS } from '../common/headers.ts'
import type { CommandOptions } from '../patterns/control/control-client.ts'
import type { ControlTargets, LetterTarget, OperatorTarget } from '../patterns/control/control-targets.ts'
import { encodeCommand, targetText, type ControlAction } from '../store/operator/control-command.ts'
import { CONTROL_TOPIC } from '../store/operator/control-store.ts'

/** Commands to the operators of a test driver, as `KafkaStreams.control()` gives them; at once. */
export class DriverControl {
  readonly #applicationId: string
  readonly #targets: ControlTargets
  readonly #pipe: (record: OutgoingRecord) => void
  readonly #nowMs: () => number

  constructor(options: {
    readonly applicationId: string
    readonly targets: ControlTargets
    readonly pipe: (record: OutgoingRecord) => void
    readonly nowMs: () => number
  }) {
    this.#applicationId = options.applicationId
    this.#targets = options.targets
    this.#pipe = options.pipe
    this.#nowMs = options.nowMs
  }

  pause(target: OperatorTarget, options: CommandOptions = {}): void {
    this.#command('pause', target, options)
  }

  ignore(target: OperatorTarget, options: CommandOptions = {}): void {
    this.#command('ignore', target, options)
  }

  skip(target: LetterTarget, options: CommandOptions = {}): void {
    this.#command('skip', target, options)
  }

  resume(target: OperatorTarget | LetterTarget): void {
    this.#send(target, null)
  }

  #command(
    action: ControlAction,
    target: OperatorTarget | LetterTarget,
    { reason = '', by = 'test' }: CommandOptions,
  ): void {
    this.#send(target, encodeCommand({ do: action, reason, by, at: this.#nowMs() }))
  }

  #send(target: OperatorTarget | LetterTarget, value: Uint8Array | null): void {
    this.#pipe({
      topic: `${this.#applicationId}-${CONTROL_TOPIC}`,
      partition: 0,
      key: utf8(targetText(this.#targets.resolve(target))),
      value,
      timestamp: this.#nowMs(),
      headers: NO_HEADERS,
    })
  }
}
