import { describe, expect, it } from 'vitest'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import topology, { wordsOf } from '../../topologies/word-count.ts'

describe('word-count: lines are split as the JVM demo splits them', () => {
  it.each([
    ['all streams lead to kafka', ['all', 'streams', 'lead', 'to', 'kafka']],
    ['Hello, WORLD!', ['hello', 'world']],
    // What comes before a separator at the beginning is an empty word; Java keeps it, and the JVM demo counts
    // it.
    ['  indented', ['', 'indented']],
    ['', ['']],
    ['!!!', []],
    ["it's snake_case 42", ['it', 's', 'snake_case', '42']],
    // \W is ASCII in Java, too, as long as nobody asks for UNICODE_CHARACTER_CLASS.
    ['ÄRGER über naïve', ['', 'rger', 'ber', 'na', 've']],
  ])('%j', (line, words) => {
    expect(wordsOf(line)).toEqual(words)
  })
})

describe('word-count: topology', () => {
  function open() {
    const driver = new TopologyTestDriver(topology, { config: { applicationId: 'word-count' } })
    const input = driver.createInputTopic('streams-plaintext-input', {
      keySerde: serdes.string(),
      valueSerde: serdes.string(),
    })
    const output = driver.createOutputTopic('streams-wordcount-output', {
      keySerde: serdes.string(),
      valueSerde: serdes.int64(),
    })
    return { driver, input, output }
  }

  it('every line updates the counts of its words', () => {
    const { driver, input, output } = open()
    input.pipeInput(null, 'all streams lead to kafka')
    input.pipeInput(null, 'hello kafka streams')
    expect(output.readKeyValues()).toEqual([
      ['all', 1],
      ['streams', 1],
      ['lead', 1],
      ['to', 1],
      ['kafka', 1],
      ['hello', 1],
      ['kafka', 2],
      ['streams', 2],
    ])
    driver.close()
  })
})
