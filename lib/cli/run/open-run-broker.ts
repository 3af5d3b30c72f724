import { join } from 'node:path'
import type { OpenedBroker } from '../../broker/open/opened-broker.ts'
import { loadNativeClient } from '../../broker/kafka/native/load-client.ts'
import { openBroker } from '../../broker/open/open-broker.ts'
import { systemClock } from '../../common/clock.ts'
import { readClientConfig } from './client-config.ts'
import type { Ending } from '../lifecycle/ending.ts'
import { asUsage } from '../output/exit-code.ts'
import { loggerFor } from './job.ts'
import type { Jobs } from './jobs.ts'
import { startLoader } from '../load/load-topology-file.ts'
import { isLocal, type SharedOptions } from '../options/run-options.ts'
import type { Teardown } from '../lifecycle/teardown.ts'

/**
 * The jobs of a run, and the broker that they share. A cluster is connected to while the jobs' files are
 * loaded, which takes as long; where they do not load it is closed again without anybody waiting for it. A
 * broker in this process lies in the state directory, which a file may name.
 */
export async function openRunBroker(
  options: SharedOptions,
  prepare: () => Promise<Jobs>,
): Promise<{ readonly jobs: Jobs; readonly opening: Promise<OpenedBroker> }> {
  const settings = await brokerSettings(options)
  if (isLocal(options.brokers)) {
    const jobs = await prepare()
    const directory = join(jobs[0].config.stateDir, 'broker')
    return { jobs, opening: asUsage(() => openBroker(options.brokers, { ...settings, directory })) }
  }
  const opening = asUsage(() => openBroker(options.brokers, settings))
  // What is wrong with a file is told first; what is wrong with the broker, to whoever waits for it.
  opening.catch(() => undefined)
  // All before there is another loader to ask, and so that the connection is made while this thread waits for
  // that loader.
  await Promise.all([import('../../index.ts'), import('../../broker/kafka/adapter/kafka-broker.ts')])
  await loadNativeClient().catch(() => undefined)
  startLoader()
  try {
    return { jobs: await prepare(), opening }
  } catch (reason) {
    void opening.then(broker => broker.close()).catch(() => undefined)
    throw reason
  }
}

/** What `openBroker` takes, but for the directory. */
export async function brokerSettings(
  options: Pick<
    SharedOptions,
    'brokers' | 'clientConfig' | 'fetch' | 'produce' | 'logLevel' | 'processIndex'
  >,
) {
  const client = await readClientConfig(options)
  return {
    clock: systemClock,
    logger: loggerFor(options),
    ...(client ? { client } : {}),
    ...(options.fetch ? { fetch: options.fetch } : {}),
    ...(options.produce ? { produce: options.produce } : {}),
  }
}

/** Undefined where the end came first; what is still being opened is closed all the same. */
export async function openedBroker(
  opening: Promise<OpenedBroker>,
  ending: Ending,
  teardown: Teardown,
): Promise<OpenedBroker | undefined> {
  teardown.add('the broker', async () => {
    // A broker that could not be opened has been reported already.
    const opened = await opening.catch(() => undefined)
    await opened?.close()
  })
  return ending.unlessEnded(opening)
}
