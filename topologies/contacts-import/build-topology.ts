import { serdes, Topology, type StoreBuilder } from 'millrace'
import { gatherResults } from './gather-results.ts'
import { importContacts } from './import-contacts.ts'
import { numberEvents } from './number-events.ts'
import { FillPushLog, pushLogStore } from './push-log.ts'
import { releaseUploads } from './release-uploads.ts'
import type { ImportSettings } from './settings.ts'
import { CopyTable, tableCopies } from './table-copy.ts'
import { TOPICS } from './topics.ts'
import { uploadSerde } from './upload-serde.ts'
import { withoutNulls } from './without-nulls.ts'

const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })

/**
 * Four stages, each exactly-once, with a topic between any two:
 *
 *     import-uploads → release → import-jobs → import → import-results → gather → import-events → number →
 *     push
 *
 * and copies of the tables and of `push` in every process, which is what the service reads.
 */
export function buildTopology(settings: ImportSettings): Topology {
  const topology = new Topology()
  topology
    .addSource('uploads', { topics: [TOPICS.uploads], keySerde, valueSerde: uploadSerde })
    .addProcessor('release', withoutNulls(releaseUploads(settings)), { parents: ['uploads'] })
    .addSink('starts-sink', { topic: TOPICS.starts, parents: ['release'], ...json() })
    .addSink('jobs-sink', { topic: TOPICS.jobs, parents: ['release'], ...json() })

    .addSource('jobs', { topics: [TOPICS.jobs], ...json() })
    .addProcessor('import', withoutNulls(importContacts()), { parents: ['jobs'] })
    .addSink('contacts-sink', { topic: TOPICS.contacts, parents: ['import'], ...json() })
    .addSink('results-sink', { topic: TOPICS.results, parents: ['import'], ...json() })

    .addSource('results', { topics: [TOPICS.starts, TOPICS.results], ...json() })
    .addProcessor('gather', withoutNulls(gatherResults(settings)), { parents: ['results'] })
    .addSink('imports-sink', { topic: TOPICS.imports, parents: ['gather'], ...json() })
    .addSink('failures-sink', { topic: TOPICS.failures, parents: ['gather'], ...json() })
    .addSink('events-sink', { topic: TOPICS.events, parents: ['gather'], ...json() })

    .addSource('events', { topics: [TOPICS.events], ...json() })
    .addProcessor('number', withoutNulls(numberEvents()), { parents: ['events'] })
    .addSink('push-sink', { topic: TOPICS.push, parents: ['number'], ...json() })
  addCopies(topology)
  return topology
}

function addCopies(topology: Topology): void {
  const copy = (topic: string, builder: StoreBuilder) =>
    topology.addGlobalStore(builder, () => new CopyTable(builder.name), {
      topic,
      sourceName: `${topic}-source`,
      processorName: `${topic}-copy`,
      ...json(),
    })
  copy(TOPICS.contacts, tableCopies.contacts)
  copy(TOPICS.imports, tableCopies.imports)
  copy(TOPICS.failures, tableCopies.failures)
  topology.addGlobalStore(pushLogStore, () => new FillPushLog(), {
    topic: TOPICS.push,
    sourceName: 'push-source',
    processorName: 'push-copy',
    ...json(),
  })
}
