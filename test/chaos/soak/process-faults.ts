import { setTimeout as sleep } from 'node:timers/promises'
import { drawMs, restartable, seconds, type SoakFault } from './fault.ts'

export const processFaults: readonly SoakFault[] = [
  {
    name: 'process-killed',
    about: 'kill -9 of a process, started again after 1 to 15 s',
    lane: 'processes',
    async strike(target) {
      const victim = restartable(target)
      const ms = drawMs(target, 1, 15)
      target.note(`process ${victim.name} killed, back after ${seconds(ms)}`)
      target.stage.doomed.add(victim)
      await victim.kill()
      await sleep(ms)
      victim.start()
      target.stage.doomed.delete(victim)
    },
  },
  {
    name: 'process-frozen',
    about: 'SIGSTOP of a process for 1 to 25 s',
    lane: 'processes',
    async strike(target) {
      const victim = target.random.pick(target.stage.applications)
      const ms = drawMs(target, 1, 25)
      target.note(`process ${victim.name} frozen for ${seconds(ms)}`)
      victim.signal('SIGSTOP')
      await sleep(ms)
      victim.signal('SIGCONT')
    },
  },
  {
    name: 'event-loop-blocked',
    about: 'a busy loop of 1 to 15 s in the event loop of a process',
    lane: 'processes',
    async strike(target) {
      const victim = target.random.pick(target.stage.applications)
      const ms = drawMs(target, 1, 15)
      target.note(`event loop of ${victim.name} blocked for ${seconds(ms)}`)
      // One that has ended does not answer.
      await Promise.race([victim.order({ act: 'block', ms }), sleep(ms)])
      await sleep(ms)
    },
  },
]
