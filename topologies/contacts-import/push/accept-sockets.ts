import { acceptUpgrades, type Upgrade } from '../../web/accept-upgrades.ts'
import { numberOrThrow } from '../../web/number-value.ts'
import { channelOrThrow } from '../http/request-values.ts'
import type { PushHub } from './push-hub.ts'

const SEQ = { fallback: 0, least: 0, most: 10 ** 12 - 2 }

/** `/ws?channel=ID&lastSeq=N`. */
export function acceptSockets(hub: PushHub): Upgrade {
  return acceptUpgrades({
    path: '/ws',
    check: query => ({
      channel: channelOrThrow(query.get('channel')),
      lastSeq: numberOrThrow('lastSeq', query.get('lastSeq'), SEQ),
    }),
    serve: (socket, { channel, lastSeq }) => void hub.serve(socket, channel, lastSeq),
  })
}
