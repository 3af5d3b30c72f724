import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Application } from '../../kafka/cluster/application.ts'
import { until } from '../../kafka/cluster/until.ts'
import { damagesOf, type Damage } from '../../support/file-damage.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'
import { drawMs, persistently, restartable, type SoakFault, type SoakTarget } from './fault.ts'

/**
 * What holds up an application that is well, and has a changelog to make and to fill, on whatever machine.
 */
const BACK_MS_MAX = 180_000
const CHANGELOGS = ['keys-changelog', 'groups-changelog'] as const

interface PlacedDamage extends Damage {
  readonly directory: string
  /** Of the directory within the state of its application: a task, the process's id, the global table. */
  readonly place: string
}

/** One damage of one file; undefined where there is no state. */
async function drawDamage({ spec }: Application, random: SeededRandom): Promise<PlacedDamage | undefined> {
  const root = join(spec.config.stateDir, spec.config.applicationId)
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  const places = entries.filter(each => each.isDirectory()).map(({ name }) => name)
  if (places.length === 0) return undefined
  const place = random.pick(places.sort())
  const directory = join(root, place)
  const damages = await damagesOf(directory, { places: [random.next()] })
  return damages.length === 0 ? undefined : { ...random.pick(damages), directory, place }
}

/** One process has all tasks: its state is whole. */
async function leaveOne({ stage }: SoakTarget): Promise<readonly Application[]> {
  const others = stage.applications.slice(1)
  for (const each of others) stage.doomed.add(each)
  await Promise.all(others.map(each => each.close()))
  await stage.untilOutputOf(Date.now(), BACK_MS_MAX)
  return others
}

async function deleteChangelog(target: SoakTarget): Promise<void> {
  const { stage, random, note } = target
  const others = await leaveOne(target)
  const topic = stage.internal(random.pick(CHANGELOGS))
  note(`${topic} deleted, while one process has all of the state`)
  await persistently(() => stage.witness.deleteTopics([topic]))
  const remade = async () => (await stage.witness.topics()).includes(topic)
  await until(remade, {
    what: `a new ${topic}`,
    limitMs: BACK_MS_MAX,
    giveUp: () => stage.applications[0]!.epitaph,
  })
  // It is filled before anything is processed.
  await stage.untilOutputOf(Date.now(), BACK_MS_MAX)
  for (const each of others) {
    each.start()
    stage.doomed.delete(each)
  }
}

export const stateFaults: readonly SoakFault[] = [
  {
    name: 'state-damaged',
    about:
      'a file of the state of a process that was killed is cut, flipped or deleted before it starts again',
    lane: 'processes',
    async strike(target) {
      const victim = restartable(target)
      target.stage.doomed.add(victim)
      await victim.kill()
      const damage = await drawDamage(victim, target.random)
      await damage?.inflict(damage.directory)
      const what = damage ? `${damage.file} of ${damage.place} ${damage.what}` : 'it had no state'
      target.note(`process ${victim.name} killed, ${what}`)
      await sleep(drawMs(target, 0, 5))
      victim.start()
      target.stage.doomed.delete(victim)
    },
  },
  {
    name: 'changelog-deleted',
    about:
      'a changelog is deleted while one process, and nothing else, goes on: the others may lack its state',
    lane: 'processes',
    alone: true,
    strike: deleteChangelog,
  },
]
