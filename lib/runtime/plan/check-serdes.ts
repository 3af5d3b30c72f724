import { ConfigError } from '../../common/errors/errors.ts'
import { userFrame } from '../../common/user-frame.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { DefaultSerdes } from './settings.ts'

interface ReadingOrWriting {
  readonly name: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
}

/**
 * Throws `SERDE_MISSING` for the first source or sink that has none of its own for keys or values, where the
 * application has no default either: before anything runs, with the line of the user's that made the node
 * (`addedAt`), since its name may be a generated one.
 */
export function checkSerdes(
  { subtopologies, globalSubtopologies }: TopologyPlan,
  defaults: DefaultSerdes,
  addedAt: (nodeName: string) => Error | undefined,
): void {
  for (const { nodes } of [...subtopologies, ...globalSubtopologies]) {
    for (const node of nodes) {
      if (node.kind === 'processor') continue
      const what = node.kind === 'source' ? 'reads' : 'writes'
      const topics =
        node.kind === 'source' ? node.topics.join(', ') || String(node.pattern) : topicOf(node.topic)
      const missing = missingOf(node, defaults)
      if (missing)
        throw missingError(`node "${node.name}", which ${what} ${topics},`, missing, addedAt(node.name))
    }
  }
}

function topicOf(topic: unknown): string {
  return typeof topic === 'string' ? topic : 'topics that it computes'
}

function missingOf(
  { keySerde, valueSerde }: ReadingOrWriting,
  { defaultKeySerde, defaultValueSerde }: DefaultSerdes,
): 'keySerde' | 'valueSerde' | undefined {
  if (!resolveSerde(keySerde, defaultKeySerde)) return 'keySerde'
  return resolveSerde(valueSerde, defaultValueSerde) ? undefined : 'valueSerde'
}

function missingError(
  node: string,
  missing: 'keySerde' | 'valueSerde',
  site: Error | undefined,
): ConfigError {
  const frame = site && userFrame(site)
  const place = frame === undefined ? '' : ` (${frame})`
  const byDefault = missing === 'keySerde' ? 'defaultKeySerde' : 'defaultValueSerde'
  return new ConfigError(
    'SERDE_MISSING',
    `${node} has no ${missing}${place}: give it one, { ${missing}: serdes.string() } for text, or the application a ${byDefault}`,
  )
}
