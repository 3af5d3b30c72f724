import { errorFrom } from '../../../common/errors/errors.ts'
import { latePackage } from '../../../common/late-package.ts'
import { BrokerError } from '../../broker-error.ts'
import type { NativeModule } from './native-client.ts'

const PACKAGE = '@confluentinc/kafka-javascript'

const HOW_TO_INSTALL = `Install it with "npm install ${PACKAGE}". Where no prebuilt binary fits (or GitHub cannot be reached) npm \
builds it from source: have a C++20 compiler, make, bash, python3 and the packages libssl-dev, libsasl2-dev, \
libcurl4-openssl-dev, libzstd-dev and zlib1g-dev, and set CKJS_LINKING=dynamic. Without it, --brokers embedded still works.`

/**
 * Loads the native client, an optional dependency, when a Kafka broker is opened. Rejects with
 * `KAFKA_CLIENT_MISSING`, which says what to install. `importPackage` is for tests.
 */
export async function loadNativeClient(
  importPackage: (name: string) => unknown = name => latePackage(name)(),
): Promise<NativeModule> {
  try {
    const module = (await importPackage(PACKAGE)) as { readonly default?: NativeModule } & NativeModule
    return module.default ?? module
  } catch (reason) {
    const cause = errorFrom(reason)
    throw new BrokerError(
      'KAFKA_CLIENT_MISSING',
      'fatal',
      `Kafka needs the native client ${PACKAGE}, which does not load: ${firstLine(cause.message)}. ${HOW_TO_INSTALL}`,
      { cause },
    )
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
