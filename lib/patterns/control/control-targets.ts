import { ConfigError } from '../../common/errors/errors.ts'
import { nearest } from '../../common/nearest-name.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ControlTarget } from '../../store/operator/control-command.ts'
import type { ProcessorNodePlan, SubtopologyPlan, TopologyPlan } from '../../topology/plan.ts'

/** What is paused or ignored: all of an operator, or one of its partitions, or one of its keys. */
export interface OperatorTarget {
  /** Name of an operator with retry. */
  readonly operator: string
  /** Of the operator's tasks. */
  readonly partition?: number | undefined
  /** As the operator gets it, or its bytes. */
  readonly key?: unknown
}

/** One record: by the id that its dead letter would have, `<topic>-<partition>-<offset>`. */
export interface LetterTarget {
  readonly operator: string
  readonly letter: string
}

/** How an operator's keys become bytes. */
export interface OperatorKeys {
  readonly keySerde: Serde<unknown> | undefined
  /** For the serde. */
  readonly topic: string
}

const NO_KEYS: OperatorKeys = { keySerde: undefined, topic: '' }

/** Operators that take commands, and their keys as bytes. */
export class ControlTargets {
  readonly #applicationId: string
  readonly #operators: ReadonlyMap<string, OperatorKeys>

  constructor(
    { applicationId, subtopologies }: Pick<TopologyPlan, 'applicationId' | 'subtopologies'>,
    defaultKeySerde: Serde<unknown> | undefined,
  ) {
    this.#applicationId = applicationId
    this.#operators = new Map(subtopologies.flatMap(each => operatorsOf(each, defaultKeySerde)))
  }

  get operators(): readonly string[] {
    return [...this.#operators.keys()]
  }

  has(operator: string): boolean {
    return this.#operators.has(operator)
  }

  /**
   * `mayBeGone`: the operator may be one of an earlier topology. Throws `NO_OPERATOR_WITH_RETRY`,
   * `UNKNOWN_OPERATOR`, `SERDE_MISSING`, and what the key's serde throws.
   */
  resolve(target: OperatorTarget | LetterTarget, { mayBeGone = false } = {}): ControlTarget {
    const { operator } = target
    const found = mayBeGone && !this.has(operator) ? NO_KEYS : this.keysOf(operator)
    if ('letter' in target) return { operator, letter: target.letter }
    const { partition, key } = target
    if (partition !== undefined && key !== undefined) {
      throw new TypeError(`a command for ${operator} names a partition and a key: give one of them`)
    }
    return key === undefined ? { operator, partition } : { operator, key: bytesOf(operator, found, key) }
  }

  /** The key as the operator gets it; its bytes where they cannot be read. */
  keyOf({ operator, key }: ControlTarget): unknown {
    const { keySerde, topic = '' } = this.#operators.get(operator) ?? {}
    if (!key || !keySerde) return key
    try {
      return keySerde.deserialize(key, { topic })
    } catch {
      return key
    }
  }

  /** Throws `NO_OPERATOR_WITH_RETRY` and `UNKNOWN_OPERATOR`. */
  keysOf(name: string): OperatorKeys {
    const found = this.#operators.get(name)
    if (found) return found
    const names = this.operators
    if (names.length === 0) {
      throw new ConfigError(
        'NO_OPERATOR_WITH_RETRY',
        `no operator of ${this.#applicationId} has retry: there is nothing to control`,
      )
    }
    const guess = nearest(name, names)
    const hint = guess === undefined ? `it has ${names.join(', ')}` : `did you mean ${guess}?`
    throw new ConfigError('UNKNOWN_OPERATOR', `no operator with retry is called ${name}; ${hint}`)
  }
}

function operatorsOf(
  { nodes, stores }: SubtopologyPlan,
  defaultKeySerde: Serde<unknown> | undefined,
): (readonly [string, OperatorKeys])[] {
  return nodes.flatMap(node => {
    if (node.kind !== 'processor' || !node.control) return []
    const keySerde = resolveSerde(node.control.keySerde, defaultKeySerde)
    return [[node.name, { keySerde, topic: topicOf(node, stores) }] as const]
  })
}

function topicOf({ control }: ProcessorNodePlan, stores: SubtopologyPlan['stores']): string {
  const name = control?.storeName ?? ''
  return stores.find(({ builder }) => builder.name === name)?.changelogTopic ?? name
}

function bytesOf(operator: string, { keySerde, topic }: OperatorKeys, key: unknown): Uint8Array {
  if (key instanceof Uint8Array) return key
  if (keySerde) return keySerde.serialize(key, { topic })
  throw new ConfigError(
    'SERDE_MISSING',
    `operator ${operator} has no keySerde for the key of a command: give it one, set defaultKeySerde, or give the key's bytes`,
  )
}
