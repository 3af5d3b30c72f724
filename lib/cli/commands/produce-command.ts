import { Command } from 'commander'
import { withBroker, type Session } from '../run/broker-session.ts'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { checkReadable, feedInput, openInput } from '../records/feed-input.ts'
import { knownTopics } from '../options/known-topics.ts'
import { print } from '../output/output.ts'
import { FeedProgress } from '../run/run-progress.ts'
import { addBrokerOptions, type BrokerOptions } from '../options/shared-options.ts'
import { terminalProgress } from '../output/terminal.ts'
import { SERDE_HELP, serdeOption, textSerde } from '../records/text-serdes.ts'

const EXAMPLES = `
Every line becomes a record with the time at which it is written, an empty line too. Without --key-separator records have no
key, and go to the partitions in turn. A line that cannot be written ends the command with exit code 1; the lines before it
are written. The number on standard output is that of the records that the brokers have acknowledged.

${SERDE_HELP}

Examples:
  millrace produce lines --file book.txt
  echo 'ann|{"age":7}' | millrace produce users --key-separator '|' --value-serde json
  millrace produce counts --file counts.tsv --key-separator $'\\t' --value-serde int64 --brokers kafka-1:9092
`

interface ProduceOptions extends BrokerOptions {
  readonly file: string
  readonly keySeparator?: string
  readonly keySerde: string
  readonly valueSerde: string
}

export function produceCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('produce'))
    .description('write the lines of a file, or of standard input, to a topic')
    .argument('<topic>')
    .option('--file <file>', 'where the lines are; - is standard input', '-')
    .option('--key-separator <text>', 'each line is a key, this, and a value')
    .addOption(serdeOption('key'))
    .addOption(serdeOption('value'))
    .addHelpText('after', EXAMPLES)
    .action(async (topic: string, options: ProduceOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => produce(topic, options)))
    })
}

async function produce(topic: string, options: ProduceOptions): Promise<void> {
  await checkReadable(options.file, '--file')
  await withBroker(options, session => produceLines(topic, options, session))
}

async function produceLines(topic: string, options: ProduceOptions, session: Session): Promise<void> {
  const { broker, admin, ending, clock, logger } = session
  const [description] = await knownTopics(admin, [topic], options.brokers)
  const stream = await openInput(options.file, '--file')
  const producer = await broker.producer({ clientId: 'millrace-produce' })
  logger.log('debug', `reading ${options.file === '-' ? 'standard input' : options.file}`)
  const progress = await FeedProgress.open(topic, stream)
  const stopTelling = terminalProgress.add(progress, logger)
  try {
    const count = await feedInput(stream, {
      topic,
      partitionCount: description!.partitionCount,
      source: options.file,
      keySeparator: options.keySeparator,
      named: { source: '--file', keySeparator: '--key-separator' },
      encode: { key: encoder(options.keySerde, topic), value: encoder(options.valueSerde, topic) },
      onSent: sent => progress.sent(sent),
      producer,
      clock,
      signal: ending.signal,
    })
    stopTelling()
    if (ending.signal.aborted)
      logger.log('warn', `ended after line ${count}: what came behind it is not written`)
    await print(`${count}\n`)
  } finally {
    stopTelling()
    await producer.close()
  }
}

function encoder(name: string, topic: string): (text: string) => Uint8Array | null {
  const { serde, parse } = textSerde(name)
  const context = { topic }
  return text => {
    const value = parse(text)
    return value === null ? null : serde.serialize(value, context)
  }
}
