import type { Scenario } from '../scenario.ts'
import { PARTITIONS, type Stage } from '../stage.ts'
import { until } from '../until.ts'
import type { WitnessedRecord } from '../witness.ts'

/** A topic counts as missing when every broker asked has denied it for 30 s; then the application ends. */
const MISSED_MS = 75_000
/** What is internal is made again after the same time, and then filled or read. */
const REMADE_MS = 60_000

/** Deletes it, waits until its name is free, and makes it anew. */
export async function recreate(
  { witness }: Stage,
  topic: string,
  settings?: { readonly [name: string]: string },
): Promise<void> {
  await witness.deleteTopics([topic])
  const made = async () => {
    await witness.createTopic(topic, PARTITIONS, settings)
    return true
  }
  await until(made, { what: `a new ${topic}`, limitMs: 30_000 })
}

/** Ends the input, waits until all of it has come out, and resolves with it. */
async function drained(stage: Stage): Promise<readonly WitnessedRecord[]> {
  await stage.stopFeed()
  const inputs = await stage.inputs()
  await stage.settled(inputs.length)
  return inputs
}

async function inputDeleted(stage: Stage): Promise<void> {
  await stage.start()
  const inputs = await drained(stage)
  await stage.witness.deleteTopics([stage.topic('in')])
  await stage.expectEnd(MISSED_MS, [literally(stage.topic('in'))])
  await stage.expectExact({}, inputs)
}

/** What the new topic holds is fewer than was read of the old one: no position of old fits. */
async function inputRecreated(stage: Stage): Promise<void> {
  await stage.start()
  const before = await drained(stage)
  await recreate(stage, stage.topic('in'))
  await stage.feedBurst(Math.floor(before.length / 2))
  await stage.expectExact({}, [...before, ...(await stage.inputs())])
}

/**
 * While nobody runs, and what the new topic holds is more than was read of the old one: every position seems
 * to fit.
 */
async function inputReplaced(stage: Stage): Promise<void> {
  await stage.start()
  const before = await drained(stage)
  await stage.closeAll()
  await recreate(stage, stage.topic('in'))
  await stage.feedBurst(before.length + 2000)
  const inputs = [...before, ...(await stage.inputs())]
  for (const each of stage.applications) each.start()
  await stage.exactOrEnded(inputs, [literally(stage.topic('in'))])
}

async function outputDeleted(stage: Stage): Promise<void> {
  await stage.start()
  await stage.witness.deleteTopics([stage.topic('joined')])
  await stage.expectEnd(MISSED_MS, [literally(stage.topic('joined'))])
  stage.say('the topic is made again, and the application started')
  await stage.witness.createTopic(stage.topic('joined'), PARTITIONS)
  await stage.restart()
  await stage.expectExact({ endOnly: ['joined'] })
}

async function outputRecreated(stage: Stage): Promise<void> {
  await stage.start()
  const again = () => recreate(stage, stage.topic('joined'))
  await stage.measure('output topic made anew', again, { limitMs: REMADE_MS })
  await stage.expectExact({ endOnly: ['joined'] })
}

async function repartitionDeleted(stage: Stage): Promise<void> {
  await stage.start()
  const topic = stage.internal('groups-repartition')
  const lose = () => stage.witness.deleteTopics([topic])
  await stage.measure('repartition topic deleted', lose, { limitMs: REMADE_MS })
  await stage.expectExact({ short: ['groups'] })
  if (!stage.applications.some(each => each.said(literally(topic), ['error'])))
    throw new Error(`${topic} was lost, and no line at the level error says so`)
}

/** Local state is whole: it fills the new topic, and a restore from that topic has all of it. */
async function changelogGone(stage: Stage, fault: (topic: string) => Promise<void>): Promise<void> {
  await stage.start()
  const topic = stage.internal('keys-changelog')
  await stage.measure('changelog gone', () => fault(topic), { limitMs: REMADE_MS })
  // Whoever writes nothing meanwhile learns of it when he next asks for the ends of his changelogs.
  await until(() => refills(stage) >= PARTITIONS, { what: 'the refill', limitMs: REMADE_MS })
  await stage.expectExact()
  stage.say('the disks are lost, and the application started')
  await stage.removeState()
  await stage.restart()
  await stage.feedBurst(1000)
  await stage.expectExact()
}

function refills(stage: Stage): number {
  const events = stage.applications.flatMap(each => each.events)
  return events.filter(each => each.event === 'log' && each.message.includes('it is filled again from'))
    .length
}

/** Neither disk nor changelog: nothing has the counts any more. */
async function changelogLost(stage: Stage): Promise<void> {
  await stage.start()
  const inputs = await drained(stage)
  await stage.closeAll()
  await stage.removeState()
  const topic = stage.internal('keys-changelog')
  await stage.witness.deleteTopics([topic])
  for (const each of stage.applications) each.start()
  await stage.expectEnd(MISSED_MS, [/CHANGELOG_LOST/, literally(topic)])
  await stage.expectExact({}, inputs)
}

async function globalDeleted(stage: Stage): Promise<void> {
  await stage.start()
  await stage.witness.deleteTopics([stage.topic('table')])
  await stage.expectEnd(MISSED_MS, [literally(stage.topic('table'))])
  await stage.witness.createTopic(stage.topic('table'), PARTITIONS)
  await stage.restart()
  await stage.expectExact()
}

/** The new topic has other rows, and fewer: old rows must go, new ones come. */
async function globalRecreated(stage: Stage): Promise<void> {
  await stage.start()
  const kept = Math.floor(stage.keys / 2)
  const topic = stage.topic('table')
  await recreate(stage, topic)
  await stage.witness.fill(topic, kept, 'fresh')
  const rows = async () => {
    const last = new Map<string, string>()
    for (const { key, value } of await stage.witness.read(stage.topic('joined')))
      last.set(key, value.slice(value.indexOf('|') + 1))
    return [...last].every(([key, row]) => row === freshRow(key, kept))
  }
  await until(rows, { what: 'the rows of the new topic', limitMs: MISSED_MS, giveUp: () => stage.dead() })
  await stage.expectExact()
  if (!stage.applications.some(each => each.said(literally(topic))))
    throw new Error(`the copy of ${topic} was made anew, and no line says why`)
}

function freshRow(key: string, kept: number): string {
  const number = Number(key.slice(2))
  return number < kept ? `fresh-${number}` : 'none'
}

function literally(topic: string): RegExp {
  return new RegExp(topic.replaceAll('.', '\\.'))
}

export const topicScenarios: readonly Scenario[] = [
  {
    name: 'input-deleted',
    about: 'an input topic is deleted: ends naming it; what it held came out exactly',
    run: inputDeleted,
  },
  {
    name: 'input-recreated',
    about: 'an input topic is made anew, with fewer records: those of both topics exactly',
    quick: true,
    run: inputRecreated,
  },
  {
    name: 'input-replaced',
    about:
      'an input topic is made anew while nobody runs, with more records: exactly, or an error that names it',
    run: inputReplaced,
  },
  {
    name: 'output-deleted',
    about: 'an output topic is deleted: ends naming it; exact when it is there again',
    run: outputDeleted,
  },
  {
    name: 'output-recreated',
    about: 'an output topic is deleted and made at once: goes on, exact from there',
    run: outputRecreated,
  },
  {
    name: 'repartition-deleted',
    about: 'a repartition topic is deleted: what it held is lost, at the level error; all else exact',
    run: repartitionDeleted,
  },
  {
    name: 'changelog-deleted',
    about: 'a changelog is deleted: filled again from the disk; exact, also when the disk is lost afterwards',
    quick: true,
    run: stage => changelogGone(stage, topic => stage.witness.deleteTopics([topic])),
  },
  {
    name: 'changelog-recreated',
    about: 'a changelog is deleted and made at once, empty: the same',
    run: stage => changelogGone(stage, topic => recreate(stage, topic, { 'cleanup.policy': 'compact' })),
  },
  {
    name: 'changelog-lost',
    about: 'changelog and disks are gone: ends with CHANGELOG_LOST',
    run: changelogLost,
  },
  {
    name: 'global-deleted',
    about: "a global table's topic is deleted: ends naming it; exact when it is there again",
    run: globalDeleted,
  },
  {
    name: 'global-recreated',
    about: "a global table's topic is made anew, with other rows and fewer: its rows and no others; exact",
    run: globalRecreated,
  },
]
