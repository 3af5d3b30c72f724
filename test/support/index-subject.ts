import type { Broker } from '../../lib/broker/broker.ts'
import type { IndexedKey } from '../../lib/serde/indexed-key.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { seeded } from './seeded.ts'
import { createTopics, produce, readAll, textOf, type Pair } from './topics.ts'

/** A site, and which apps it has in which version. */
export interface Site {
  readonly apps: { readonly [app: string]: number }
}

const keySerde = serdes.string()
const indexed = serdes.indexed(keySerde, keySerde)

/** Sites, their apps' reverse index, and a copy of it in every process. */
export function indexSubject(): Topology {
  const builder = new StreamsBuilder()
  builder
    .table<string, Site>('sites', { keySerde, valueSerde: serdes.json<Site>(), storeName: 'sites-store' })
    .reverseIndex(({ apps }) => Object.keys(apps), {
      storeName: 'app-sites',
      indexKeySerde: keySerde,
      value: ({ apps }, _site, app) => apps[app]!,
      valueSerde: serdes.int64(),
    })
    .toStream()
    .to('app-sites-out', { valueSerde: serdes.int64() })
  builder.globalTable('app-sites-out', {
    storeName: 'app-sites-copy',
    keySerde: indexed,
    valueSerde: serdes.int64(),
  })
  return builder.build()
}

export async function createIndexTopics(broker: Broker, partitionCount: number): Promise<void> {
  await createTopics(broker, { sites: partitionCount, 'app-sites-out': partitionCount }, ['app-sites-out'])
}

/** Changes of sites: new ones, other apps, other versions, deletions; each comes one to three times. */
export function siteChanges(seed: number, count: number, sites = 40): Pair[] {
  const random = seeded(seed)
  const pick = (below: number) => Math.floor(random() * below)
  return Array.from({ length: count }, (): Pair[] => {
    const key = `s${pick(sites)}`
    const apps = Array.from({ length: pick(6) }, () => [`app${pick(12)}`, pick(3)] as const)
    const value = pick(10) === 0 ? null : JSON.stringify({ apps: Object.fromEntries(apps) })
    return Array.from({ length: 1 + pick(3) }, (): Pair => [key, value])
  }).flat()
}

/** The index as a batch computes it from the last record of each site: `app/site=version`, sorted. */
export function expectedIndex(changes: readonly Pair[]): string[] {
  const last = new Map(changes.map(([site, value]) => [site!, value]))
  return [...last]
    .flatMap(([site, value]) =>
      Object.entries(value === null ? {} : (JSON.parse(value) as Site).apps).map(
        ([app, version]) => `${app}/${site}=${version}`,
      ),
    )
    .sort()
}

export function feedSites(broker: Broker, partitionCount: number, changes: readonly Pair[]): Promise<void> {
  return produce(broker, 'sites', partitionCount, changes)
}

/** The index as the output topic has it, the last record of each entry. */
export async function indexInTopic(broker: Broker): Promise<string[]> {
  const last = new Map<string, string>()
  for (const { key, value } of await readAll(broker, 'app-sites-out')) {
    const entry = entryText(indexed.deserialize(key!, { topic: 'test' }))
    if (value === null) last.delete(entry)
    else last.set(entry, String(serdes.int64().deserialize(value, { topic: textOf(key)! })))
  }
  return [...last].map(([entry, version]) => `${entry}=${version}`).sort()
}

export function entryText({ indexKey, key }: IndexedKey<string, string>): string {
  return `${indexKey}/${key}`
}
