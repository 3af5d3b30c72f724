import { setTimeout as sleep } from 'node:timers/promises'
import { LARGE_CHARS } from '../../kafka/cluster/ledger-topology.ts'
import { drawMs, persistently, seconds, type SoakFault } from './fault.ts'

const SETTING = 'max.message.bytes'
/** Kafka's default. */
const TAKEN_BYTES = String(1_048_588)
const REFUSED_BYTES = String(LARGE_CHARS / 2)

export const recordFaults: readonly SoakFault[] = [
  {
    name: 'records-refused',
    about: 'an output takes no large records for 3 to 15 s: each has its dead letter, once',
    lane: 'records',
    async strike(target) {
      const { witness, prefix } = target.stage
      const ms = drawMs(target, 3, 15)
      target.note(`records of more than ${REFUSED_BYTES} bytes refused for ${seconds(ms)}`)
      await persistently(() => witness.setTopic(`${prefix}large`, SETTING, REFUSED_BYTES))
      await sleep(ms)
      await persistently(() => witness.setTopic(`${prefix}large`, SETTING, TAKEN_BYTES))
    },
  },
]
