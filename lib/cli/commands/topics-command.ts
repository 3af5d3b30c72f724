import { Command } from 'commander'
import type { Admin, TopicDescription } from '../../broker/broker.ts'
import { partitionKey } from '../../common/ids.ts'
import { withBroker } from '../run/broker-session.ts'
import { exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { knownTopics, partitionsOf } from '../options/known-topics.ts'
import { collectPairs, wholeFrom, type Pair } from '../options/option-values.ts'
import { print, table } from '../output/output.ts'
import { isLocal } from '../options/run-options.ts'
import { addBrokerOptions, type BrokerOptions } from '../options/shared-options.ts'

const EXAMPLES = `
Examples:
  millrace topics list
  millrace topics create orders --partitions 8 --set cleanup.policy=compact
  millrace topics describe orders payments --json
  millrace topics delete orders --brokers kafka-1:9092 --yes
`

/** The settings of a Kafka topic, of a hundred, that a topology's results depend on. */
const SETTINGS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'delete.retention.ms',
  'min.insync.replicas',
  'max.message.bytes',
  'message.timestamp.type',
]

interface ListOptions extends BrokerOptions {
  readonly json?: boolean
}

interface CreateOptions extends ListOptions {
  readonly partitions: number
  readonly replicationFactor?: number
  readonly set?: readonly Pair[]
}

interface DeleteOptions extends ListOptions {
  readonly yes?: boolean
}

type OnEnd = (exitCode: ExitCode) => void

export function topicsCommand(onEnd: OnEnd): Command {
  const topics = new Command('topics')
    .description('list, create, describe and delete topics')
    .addHelpText('after', EXAMPLES)
  for (const command of [listTopics, createTopic, describeTopics, deleteTopics]) {
    topics.addCommand(command(onEnd))
  }
  return topics
}

function topicCommand(name: string): Command {
  return addBrokerOptions(new Command(name)).option('--json', 'print JSON').addHelpText('after', EXAMPLES)
}

function listTopics(onEnd: OnEnd): Command {
  return topicCommand('list')
    .description('print the names of all topics, internal ones of applications included')
    .action(async (options: ListOptions) => {
      const list = () =>
        withBroker(options, async ({ admin }) => {
          const names = [...(await admin.listTopics())].sort()
          await print(options.json ? `${JSON.stringify(names)}\n` : names.map(name => `${name}\n`).join(''))
        })
      onEnd(await exitCodeAfter(options.logLevel, list))
    })
}

function createTopic(onEnd: OnEnd): Command {
  return topicCommand('create')
    .description('create a topic')
    .argument('<name>')
    .requiredOption('--partitions <n>', 'its number of partitions', wholeFrom(1))
    .option('--replication-factor <n>', "copies on a Kafka cluster (default: the cluster's)", wholeFrom(1))
    .option('--set <name=value>', 'a setting of the topic, by its name in Kafka (repeatable)', collectPairs)
    .action(async (name: string, options: CreateOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => create(name, options)))
    })
}

async function create(topic: string, options: CreateOptions): Promise<void> {
  const { brokers, partitions, replicationFactor, set = [], json } = options
  if (replicationFactor !== undefined && isLocal(brokers)) {
    const message = `--replication-factor is for a Kafka cluster; the brokers are "${brokers}"`
    throw new UsageError('REPLICATION_FACTOR_UNUSED', message)
  }
  const wanted = {
    topic,
    partitionCount: partitions,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    config: Object.fromEntries(set.map(({ name, value }) => [name, value])),
  }
  const work = async ({ admin }: { admin: Admin }) => {
    await admin.createTopics([wanted])
    const text = `topic ${topic} created with ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}\n`
    await print(json ? `${JSON.stringify(wanted)}\n` : text)
  }
  await withBroker(options, work, { creates: true })
}

function describeTopics(onEnd: OnEnd): Command {
  return topicCommand('describe')
    .description('print partitions, offsets and settings of topics')
    .argument('<name...>')
    .action(async (names: string[], options: ListOptions) => {
      const describe = () =>
        withBroker(options, async ({ admin }) => {
          const found = await knownTopics(admin, names, options.brokers)
          const described = await describedTopics(admin, found)
          await print(options.json ? `${JSON.stringify(described)}\n` : described.map(asText).join('\n'))
        })
      onEnd(await exitCodeAfter(options.logLevel, describe))
    })
}

interface DescribedTopic {
  readonly topic: string
  readonly topicId: string | undefined
  readonly partitions: readonly {
    readonly partition: number
    readonly beginning: number
    readonly end: number
  }[]
  /** Undefined where the brokers do not tell them. */
  readonly settings: { readonly [name: string]: string } | undefined
}

async function describedTopics(
  admin: Admin,
  topics: readonly TopicDescription[],
): Promise<readonly DescribedTopic[]> {
  const partitions = topics.flatMap(partitionsOf)
  const beginnings = await admin.beginningOffsets(partitions)
  const ends = await admin.endOffsets(partitions, 'read_uncommitted')
  const settings = await admin.topicSettings(
    topics.map(({ topic }) => topic),
    SETTINGS,
  )
  return topics.map(description => {
    const { topic, topicId, config } = description
    const read = settings.get(topic)
    return {
      topic,
      topicId,
      partitions: partitionsOf(description).map(({ partition }) => ({
        partition,
        beginning: beginnings.get(partitionKey(topic, partition)) ?? 0,
        end: ends.get(partitionKey(topic, partition)) ?? 0,
      })),
      settings: read || config ? { ...Object.fromEntries(read ?? []), ...config } : undefined,
    }
  })
}

function asText({ topic, topicId, partitions, settings }: DescribedTopic): string {
  const rows = partitions.map(({ partition, beginning, end }) => [`${partition}`, `${beginning}`, `${end}`])
  const id = topicId === undefined ? '' : `  id ${topicId}`
  const known = settings
    ? Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    : ['settings: the brokers do not tell them\n']
  return `${topic}${id}\n${known.join('')}${table([['PARTITION', 'BEGINNING', 'END'], ...rows])}`
}

function deleteTopics(onEnd: OnEnd): Command {
  return topicCommand('delete')
    .description('delete topics with all of their records; without --yes only says which')
    .argument('<name...>')
    .option('--yes', 'do it')
    .action(async (names: string[], options: DeleteOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => remove(names, options)))
    })
}

async function remove(names: readonly string[], options: DeleteOptions): Promise<void> {
  await withBroker(options, async ({ admin }) => {
    const found = await knownTopics(admin, names, options.brokers)
    const topics = found.map(({ topic }) => topic)
    if (options.yes) {
      await admin.deleteTopics(topics)
      await print(
        options.json
          ? `${JSON.stringify(topics)}\n`
          : topics.map(topic => `topic ${topic} deleted\n`).join(''),
      )
      return
    }
    const list = (await describedTopics(admin, found)).map(contents).join(', ')
    throw new UsageError('NOT_CONFIRMED', `this would delete ${list}; add --yes to do it`)
  })
}

function contents({ topic, partitions }: DescribedTopic): string {
  const offsets = partitions.reduce((sum, { beginning, end }) => sum + end - beginning, 0)
  return `${topic} (partitions: ${partitions.length}, offsets: ${offsets})`
}
