import { onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { utf8Text } from '../../lib/common/bytes.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { systemRandom } from '../../lib/common/random.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import {
  fixedBackoff,
  KafkaStreams,
  NonRetriableError,
  serdes,
  StreamsBuilder,
  type RetryOptions,
} from '../../lib/index.ts'
import { DeadLetters } from '../../lib/patterns/letters/dead-letters.ts'
import { operatorBox } from '../../lib/patterns/letters/letter-box.ts'
import type { LetterClients } from '../../lib/patterns/letters/letter-run.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { readAll, textOf } from './topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** A provider whose refusals a test ends: the values that it accepts. */
export interface Provider {
  isMended: boolean
  /** Calls wait for it. */
  until: Promise<unknown>
  readonly calls: { readonly value: string; readonly key: string | undefined }[]
}

/** An application whose values that begin with `bad` are letters at once, until its provider is mended. */
export async function replayStage(
  broker: Broker,
  {
    applicationId,
    prefix = '',
    retry = {},
    concurrency = 64,
  }: { applicationId: string; prefix?: string; retry?: Partial<RetryOptions>; concurrency?: number },
) {
  const stateDir = await temporaryDirectory()
  const provider: Provider = { isMended: false, until: Promise.resolve(), calls: [] }
  const builder = () => {
    const made = new StreamsBuilder()
    made
      .stream<string, string>(`${prefix}in`, TEXT)
      .mapValuesAsync(
        async (value, _key, { idempotencyKey }) => {
          provider.calls.push({ value, key: idempotencyKey })
          await provider.until
          if (value.startsWith('bad') && !provider.isMended) throw new NonRetriableError(`not ${value}`)
          return `${value}!`
        },
        {
          name: 'charge',
          concurrency,
          retry: { backoff: fixedBackoff({ delayMs: 5 }), attempts: 3, ...retry },
        },
      )
      .to(`${prefix}out`, TEXT)
    return made.build()
  }
  const start = async (): Promise<KafkaStreams> => {
    const config = { applicationId, stateDir, commitIntervalMs: 20 }
    const streams = new KafkaStreams(builder(), config, { broker, logger: silentLogger })
    onTestFinished(() => streams.close())
    await streams.start()
    return streams
  }
  const outputs = async () => (await readAll(broker, `${prefix}out`)).map(({ value }) => textOf(value)!)
  return { provider, start, outputs }
}

/** A client beside the application, as the command line has one. */
export async function lettersOf(
  broker: Broker,
  applicationId: string,
  clients: Partial<LetterClients> = {},
): Promise<DeadLetters> {
  const admin = await broker.admin()
  onTestFinished(() => admin.close())
  return new DeadLetters({
    applicationId,
    boxes: [operatorBox(applicationId, 'charge')],
    broker,
    admin: () => Promise.resolve(admin),
    clock: systemClock,
    random: systemRandom,
    by: 'tester',
    ...clients,
  })
}

export async function listed(letters: DeadLetters, all = false): Promise<string[]> {
  const found: string[] = []
  for await (const { letter, state } of letters.list({}, { all }))
    found.push(`${utf8Text(letter.value!)} ${state}`)
  return found.sort()
}
