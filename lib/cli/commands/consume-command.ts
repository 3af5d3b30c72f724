import { Command, InvalidArgumentError, Option } from 'commander'
import type { Admin, IsolationLevel, TopicDescription, TopicPartition } from '../../broker/broker.ts'
import { readPartitions } from '../../broker/open/read-partitions.ts'
import { partitionKey } from '../../common/ids.ts'
import { withBroker, type Session } from '../run/broker-session.ts'
import { FORMATS, lineFormat, type FormatName } from '../records/consume-format.ts'
import { painted } from '../output/colours.ts'
import { exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { knownTopics, partitionsOf } from '../options/known-topics.ts'
import { parseTime, wholeFrom } from '../options/option-values.ts'
import { print } from '../output/output.ts'
import { addBrokerOptions, type BrokerOptions } from '../options/shared-options.ts'
import { SERDE_HELP, serdeOption } from '../records/text-serdes.ts'

const EXAMPLES = `
Reads without a group: nothing is committed, and no application notices. Without --follow it ends at the end that the topic
has when the command starts. --to is the first offset that is not read any more.

A time is ISO 8601, UTC where it names no zone: 2026-01-31T12:00. Each partition begins with its first record of that time
or later, which is searched for from the beginning of the partition: with a long topic that takes a while.

${SERDE_HELP}
json: one object a line, with topic, partition, offset, timestamp (ms), key, value and headers ({ key, value }, as text). Whole
numbers beyond 2^53, NaN and the infinities are text there. text: key, tab, value, as run --print.

Examples:
  millrace consume orders --format table
  millrace consume orders --from 2026-01-31T12:00 --value-serde json | jq .value.total
  millrace consume orders --partition 3 --from 1200 --to 1300
  millrace consume orders --from end --follow --brokers kafka-1:9092 --isolation uncommitted
`

type From = 'beginning' | 'end' | { readonly offset: number } | { readonly timeMs: number }

interface ConsumeOptions extends BrokerOptions {
  readonly from: From
  readonly to?: 'end' | { readonly offset: number }
  readonly partition?: number
  readonly max?: number
  readonly follow?: boolean
  readonly keySerde: string
  readonly valueSerde: string
  readonly isolation: 'committed' | 'uncommitted'
  readonly format: FormatName
}

export function consumeCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('consume'))
    .description('print the records of a topic')
    .argument('<topic>')
    .addOption(
      new Option('--from <place>', 'beginning, end, an offset, or a time')
        .argParser(parseFrom)
        .default('beginning'),
    )
    .option('--to <place>', 'end, or an offset (default: end, without --follow)', parseTo)
    .option('--partition <n>', 'only this one; needed with offsets if the topic has several', wholeFrom(0))
    .option('--max <n>', 'end after so many records', wholeFrom(1))
    .option('--follow', 'wait for what is still to come, until SIGINT or --max')
    .addOption(serdeOption('key'))
    .addOption(serdeOption('value'))
    .addOption(
      new Option('--isolation <level>', 'committed leaves out records of open and aborted transactions')
        .choices(['committed', 'uncommitted'])
        .default('committed'),
    )
    .addOption(new Option('--format <format>', 'how records are printed').choices(FORMATS).default('json'))
    .addHelpText('after', EXAMPLES)
    .action(async (topic: string, options: ConsumeOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => consume(topic, options)))
    })
}

function parseFrom(text: string): From {
  if (text === 'beginning' || text === 'end') return text
  if (/^\d+$/.test(text)) return { offset: wholeFrom(0)(text) }
  const timeMs = parseTime(text)
  if (timeMs !== undefined) return { timeMs }
  throw new InvalidArgumentError('It must be beginning, end, an offset, or a time such as 2026-01-31T12:00.')
}

function parseTo(text: string): 'end' | { offset: number } {
  if (text === 'end') return text
  if (/^\d+$/.test(text)) return { offset: wholeFrom(0)(text) }
  throw new InvalidArgumentError('It must be end or an offset.')
}

async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const { from, to, follow } = options
  if (follow && to !== undefined) {
    throw new UsageError(
      'CONFLICTING_OPTIONS',
      '--follow has no end, and --to names one: leave out one of them',
    )
  }
  if (from === 'end' && !follow) {
    throw new UsageError(
      'NOTHING_TO_READ',
      '--from end: nothing is behind it yet; add --follow to wait for it',
    )
  }
  await withBroker(options, session => printRecords(topic, options, session))
}

async function printRecords(topic: string, options: ConsumeOptions, session: Session): Promise<void> {
  const { broker, admin, ending } = session
  const { from, max = Infinity, follow, format } = options
  const isolation: IsolationLevel = options.isolation === 'committed' ? 'read_committed' : 'read_uncommitted'
  const [description] = await knownTopics(admin, [topic], options.brokers)
  const partitions = chosenPartitions(description!, options)
  const { starts, ends } = await bounds(admin, partitions, { ...options, isolation }, session)
  const { heading, line } = lineFormat(format, topic, options)
  const isBefore = typeof from === 'object' && 'timeMs' in from ? skipUntil(from.timeMs) : undefined
  const { signal } = ending
  const reading = { clientId: 'millrace-consume', isolation, starts, ...(follow ? {} : { ends }), signal }
  await print(painted('bold', heading, process.stdout))
  let count = 0
  for await (const { partition, records } of readPartitions(broker, reading)) {
    let lines = ''
    try {
      for (const record of records) {
        if (isBefore?.(partition, record.timestamp)) continue
        lines += line(partition, record)
        count += 1
        if (count >= max) break
      }
    } finally {
      // What precedes a record that cannot be read, too.
      await print(lines)
    }
    if (count >= max) return
  }
}

/** Whether a record comes before the first of its partition that is of this time or later. */
function skipUntil(timeMs: number): (partition: number, timestamp: number) => boolean {
  const begun = new Set<number>()
  return (partition, timestamp) => {
    if (begun.has(partition)) return false
    if (timestamp < timeMs) return true
    begun.add(partition)
    return false
  }
}

function chosenPartitions(
  description: TopicDescription,
  { partition, from, to }: ConsumeOptions,
): readonly TopicPartition[] {
  const { topic, partitionCount } = description
  if (partition !== undefined) {
    if (partition < partitionCount) return [{ topic, partition }]
    const message = `--partition ${partition}: topic ${topic} has partitions 0 to ${partitionCount - 1}`
    throw new UsageError('UNKNOWN_PARTITION', message)
  }
  const hasOffset = [from, to].some(place => typeof place === 'object' && 'offset' in place)
  if (hasOffset && partitionCount > 1) {
    const message = `topic ${topic} has ${partitionCount} partitions, and each has offsets of its own: add --partition`
    throw new UsageError('PARTITION_MISSING', message)
  }
  return partitionsOf(description)
}

async function bounds(
  admin: Admin,
  partitions: readonly TopicPartition[],
  { from, to, isolation }: Pick<ConsumeOptions, 'from' | 'to'> & { readonly isolation: IsolationLevel },
  { logger }: Session,
) {
  const beginnings = await admin.beginningOffsets(partitions)
  const ends = new Map(await admin.endOffsets(partitions, isolation))
  const startOf = (key: string): number => {
    const beginning = beginnings.get(key) ?? 0
    const end = ends.get(key) ?? 0
    if (from === 'end') return end
    if (typeof from !== 'object' || !('offset' in from)) return beginning
    if (from.offset > end) {
      const message = `--from ${from.offset}: ${key} ends at ${end}`
      throw new UsageError('OFFSET_OUT_OF_RANGE', message)
    }
    if (from.offset < beginning)
      logger.log('warn', `${key} begins at ${beginning}: what came before is deleted`)
    return Math.max(from.offset, beginning)
  }
  const starts = partitions.map(each => ({
    ...each,
    offset: startOf(partitionKey(each.topic, each.partition)),
  }))
  if (typeof to === 'object') for (const [key, end] of ends) ends.set(key, Math.min(end, to.offset))
  return { starts, ends }
}
