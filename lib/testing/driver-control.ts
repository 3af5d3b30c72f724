import type { OutgoingRecord } from '../broker/broker.ts'
import { utf8 } from '../common/bytes.ts'
import { NO_HEADERS } from '../common/headers.ts'
import type { CommandOptions } from '../patterns/control/control-client.ts'
import {
  ControlTargets,
  type LetterTarget,
  type OperatorTarget,
} from '../patterns/control/control-targets.ts'
import type { Serde } from '../serde/serde.ts'
import { encodeCommand, targetText, type ControlAction } from '../store/operator/control-command.ts'
import { CONTROL_TOPIC } from '../store/operator/control-store.ts'
import type { TopologyPlan } from '../topology/plan.ts'

type SendCommand = (target: OperatorTarget | LetterTarget, value: Uint8Array | null) => void

/** Commands to the operators of a test driver, as `KafkaStreams.control()` gives them; at once. */
export class DriverControl {
  readonly #send: SendCommand
  readonly #nowMs: () => number

  constructor(send: SendCommand, nowMs: () => number) {
    this.#send = send
    this.#nowMs = nowMs
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
}

/** Commands of a driver, whose `pipe` takes a record in. */
export function driverControl(
  plan: TopologyPlan,
  defaultKeySerde: Serde<unknown> | undefined,
  { pipe, nowMs }: { readonly pipe: (record: OutgoingRecord) => void; readonly nowMs: () => number },
): DriverControl {
  const targets = new ControlTargets(plan, defaultKeySerde)
  const topic = `${plan.applicationId}-${CONTROL_TOPIC}`
  const send: SendCommand = (target, value) => {
    const key = utf8(targetText(targets.resolve(target)))
    pipe({ topic, partition: 0, key, value, timestamp: nowMs(), headers: NO_HEADERS })
  }
  return new DriverControl(send, nowMs)
}
