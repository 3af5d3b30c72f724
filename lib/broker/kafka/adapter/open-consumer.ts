import type { Clock } from '../../../common/clock.ts'
import type { ConsumerOptions } from '../../broker.ts'
import { construct, type ClientProperties } from '../settings/client-settings.ts'
import type { ControlClient } from '../native/control-client.ts'
import type { GroupQueries } from '../client/groups/group-queries.ts'
import { DirectFetcher } from '../client/fetch/direct-fetcher.ts'
import type { DirectFetch } from './direct-path.ts'
import type { Fetcher } from '../client/fetch/fetcher.ts'
import { NativeGroupMember, memberSettings } from '../native/native-group-member.ts'
import { KafkaConsumer } from '../native/kafka-consumer.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type {
  NativeClient,
  NativeConsumer,
  NativeError,
  NativeModule,
  NativePartition,
} from '../native/native-client.ts'
import { fetcherSettings, NativeFetcher } from '../native/native-fetcher.ts'
import { RangeCheck } from '../native/range-check.ts'
import { WakeUp } from '../native/wake-up.ts'

const QUEUED_BYTES_MAX = 32 * 1024 * 1024

/** The parts of a broker object that its consumers use. */
export interface OpenConsumerOptions {
  readonly module: NativeModule
  /** Undefined where records are read with the native client. */
  readonly direct: DirectFetch | undefined
  readonly clock: Clock
  readonly control: ControlClient
  readonly groups: GroupQueries
  /** The user's settings. */
  readonly client: ClientProperties
  settings(clientId: string, own: NativeSettings): NativeSettings
  connect(native: NativeClient): Promise<void>
}

/** Opens a consumer: makes and connects both halves, or neither. */
export async function openConsumer(
  options: ConsumerOptions,
  context: OpenConsumerOptions,
): Promise<KafkaConsumer> {
  const wakeUp = new WakeUp(context.clock)
  const { fetcher, disconnect } = context.direct
    ? directFetcher(options, context, context.direct, wakeUp)
    : await openNativeFetcher(options, context, wakeUp)
  try {
    const member = await openMember(options, context, wakeUp)
    const groupId = options.group?.groupId
    return new KafkaConsumer({
      clock: context.clock,
      groups: context.groups,
      fetcher,
      member,
      groupId,
      wakeUp,
      disconnect,
    })
  } catch (reason) {
    await disconnect()
    throw reason
  }
}

interface OpenFetcher {
  readonly fetcher: Fetcher
  /** Disconnects the native client of the fetcher, if it has one. To be called after the fetcher's close. */
  readonly disconnect: () => Promise<void>
}

function directFetcher(
  { clientId, isolation, group, queuedBytesMax = QUEUED_BYTES_MAX }: ConsumerOptions,
  { clock }: OpenConsumerOptions,
  { cluster, connect, settings, notify }: DirectFetch,
  wakeUp: WakeUp,
): OpenFetcher {
  const fetcher = new DirectFetcher({
    clock,
    cluster,
    connect: { ...connect, clientId },
    settings,
    isolation,
    bytesMax: queuedBytesMax,
    // Tasks read for a group and profit from turns. A restore has none: several databases write in parallel.
    keepsTurns: group !== undefined,
    wake: () => wakeUp.wake(),
    notify,
  })
  return { fetcher, disconnect: () => Promise.resolve() }
}

async function openNativeFetcher(
  { clientId, isolation, queuedBytesMax = QUEUED_BYTES_MAX }: ConsumerOptions,
  { module, client, clock, control, settings, connect }: OpenConsumerOptions,
  wakeUp: WakeUp,
): Promise<OpenFetcher> {
  // The native queue may call back before there is a fetcher.
  const late: { fetcher?: NativeFetcher } = {}
  const own = {
    ...fetcherSettings(queuedBytesMax, client),
    'isolation.level': isolation,
    queue_non_empty_cb: () => late.fetcher?.nativeReady(),
  }
  const native = construct(() => new module.KafkaConsumer(settings(clientId, own)))
  await connect(native)
  const fetcher = new NativeFetcher({
    native,
    clock,
    bytesMax: queuedBytesMax,
    ranges: new RangeCheck(control),
    wake: () => wakeUp.wake(),
  })
  late.fetcher = fetcher
  return { fetcher, disconnect: () => disconnected(native) }
}

async function openMember(
  { clientId, group }: ConsumerOptions,
  { module, clock, settings, connect }: OpenConsumerOptions,
  wakeUp: WakeUp,
): Promise<NativeGroupMember | undefined> {
  if (!group) return undefined
  const late: { member?: NativeGroupMember } = {}
  const own = {
    ...memberSettings(group),
    rebalance_cb: (error: NativeError, partitions: readonly NativePartition[]) =>
      late.member?.onRebalance(error, partitions),
    offset_commit_cb: (error: NativeError | undefined, offsets: readonly NativePartition[]) =>
      late.member?.onCommitted(error, offsets),
    queue_non_empty_cb: () => {
      // The member is polled only while somebody waits, so that a stuck application does not count as alive.
      if (late.member?.expectsAnswer || wakeUp.awaited) late.member?.poll()
    },
  }
  const native = construct(() => new module.KafkaConsumer(settings(clientId, own)))
  await connect(native)
  late.member = new NativeGroupMember(native, clock, () => wakeUp.wake())
  return late.member
}

function disconnected(native: NativeConsumer): Promise<void> {
  return new Promise(resolve => native.disconnect(() => resolve()))
}
