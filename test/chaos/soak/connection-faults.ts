import { setTimeout as sleep } from 'node:timers/promises'
import { API, type Api } from '../../kafka/cluster/proxy.ts'
import { PASSWORD, userOf } from '../../kafka/cluster/scenarios/security.ts'
import { drawMs, persistently, seconds, type SoakFault } from './fault.ts'

export const connectionFaults: readonly SoakFault[] = [
  {
    name: 'connections-cut',
    about: 'all connections of two processes are cut',
    lane: 'connections',
    async strike({ stage, note }) {
      note('connections cut')
      stage.proxy.cut()
    },
  },
  {
    name: 'connections-half-closed',
    about: 'the brokers end all connections of two processes and take what still comes',
    lane: 'connections',
    async strike({ stage, note }) {
      note('connections closed by half')
      stage.proxy.halfClose()
    },
  },
  {
    name: 'connections-refused',
    about: 'no connections of two processes for 2 to 15 s',
    lane: 'connections',
    async strike(target) {
      const { proxy } = target.stage
      const ms = drawMs(target, 2, 15)
      target.note(`connections refused for ${seconds(ms)}`)
      proxy.refuse(true)
      proxy.cut()
      await sleep(ms)
      proxy.refuse(false)
    },
  },
  {
    name: 'answers-late',
    about: 'every answer to two processes comes up to 600 ms late, for 3 to 15 s',
    lane: 'connections',
    async strike(target) {
      const { proxy } = target.stage
      const [lateMs, ms] = [50 + target.random.below(250), drawMs(target, 3, 15)]
      target.note(`answers ${2 * lateMs} ms late for ${seconds(ms)}`)
      proxy.delay(lateMs)
      await sleep(ms)
      proxy.delay(0)
    },
  },
  {
    name: 'answers-lost',
    about: 'an answer of any kind never comes, or its connection is cut instead',
    lane: 'connections',
    async strike({ stage, random, note }) {
      const api = random.pick(Object.keys(API) as Api[])
      const fate = random.pick(['drop', 'cut'] as const)
      note(`an answer to ${api}: ${fate}`)
      stage.proxy.strike(api, fate)
      // Some kinds are asked for rarely: an order that meets none within this time is taken back.
      await sleep(10_000)
      stage.proxy.release()
    },
  },
  {
    name: 'answers-held',
    about: 'an answer of any kind comes 2 to 15 s late',
    lane: 'connections',
    async strike(target) {
      const api = target.random.pick(Object.keys(API) as Api[])
      const ms = drawMs(target, 2, 15)
      target.note(`an answer to ${api} held for ${seconds(ms)}`)
      target.stage.proxy.strike(api, 'hold')
      await sleep(ms)
      target.stage.proxy.release()
    },
  },
  {
    name: 'password-changed',
    about: 'the password of the third process is another for 5 to 20 s',
    lane: 'connections',
    async strike(target) {
      const { witness } = target.stage
      const ms = drawMs(target, 5, 20)
      target.note(`password changed for ${seconds(ms)}`)
      await persistently(() => witness.setPassword(userOf(target.stage), 'changed'))
      await sleep(ms)
      await persistently(() => witness.setPassword(userOf(target.stage), PASSWORD))
    },
  },
]
