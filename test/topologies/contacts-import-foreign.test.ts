import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, it } from 'vitest'
import contactsImport, { config } from '../../topologies/contacts-import.ts'
import { TOPICS } from '../../topologies/contacts-import/topics.ts'

const bytes = { keySerde: serdes.string(), valueSerde: serdes.string() }

it.each([TOPICS.uploads, TOPICS.jobs, TOPICS.results])(
  'the contacts import drops and counts foreign records in %s, and goes on',
  topic => {
    using driver = new TopologyTestDriver(contactsImport(), { config })
    const input = driver.createInputTopic(topic, bytes)
    input.pipeInput('key', null)
    input.pipeInput(null, null)
    input.pipeInput('key', 'neither JSON nor a chunk')
    expect(driver.metricTotal('dropped-records-total')).toBe(3)
    expect(driver.producedTopicNames()).toEqual([])
  },
)
