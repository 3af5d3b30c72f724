import { basename, extname, join } from 'node:path'
import { systemClock, type Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import { planOptions, resolveConfig, type StreamsConfig } from '../../streams/config.ts'
import type { TopologySettings } from '../../streams/topology-file.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { Topology } from '../../topology/topology.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { asUsage, UsageError } from '../output/exit-code.ts'
import { checkReadable } from '../records/feed-input.ts'
import { loadTopologyFile, type LoadedTopologyFile } from '../load/load-topology-file.ts'
import type { Pair } from '../options/option-values.ts'
import type { RunOptions, SharedOptions } from '../options/run-options.ts'
import { splitSettings } from '../options/split-settings.ts'
import { terminalLogger } from '../output/terminal.ts'

/** A run that is fully decided: everything that can be found wrong without a broker has been. */
export interface Job extends Application {
  readonly options: RunOptions
  readonly plan: TopologyPlan
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly logger: Logger
}

/** A file with its topology, and the settings under which it would run. */
export interface Application {
  readonly file: LoadedTopologyFile
  readonly topology: Topology
  readonly config: StreamsConfig & { readonly stateDir: string }
  /** What of the config `--set` gave. */
  readonly set: Partial<StreamsConfig>
  /** Settings that go to the topology's function. */
  readonly settings: TopologySettings
}

/** Throws a `UsageError` for what the command line has wrong, else what the file or its topology has. */
export async function prepareJob(options: RunOptions): Promise<Job> {
  const address = serviceAddress(process.env)
  const application = await loadApplication(options)
  const config = { ...application.config, stateDir: stateDirFor(options, application.config.stateDir) }
  const plan = application.topology.plan(config.applicationId, planOptions(config))
  return { options, ...application, config, plan, ...address, clock: systemClock, logger: loggerFor(options) }
}

/** Under the console the process itself has to keep its state apart from that of others. */
function stateDirFor({ supervised, processIndex }: RunOptions, stateDir: string): string {
  return supervised && processIndex !== undefined ? join(stateDir, `process-${processIndex}`) : stateDir
}

/** Throws as `prepareJob`. */
export async function loadApplication(
  options: Pick<RunOptions, 'file' | 'set' | 'applicationId' | 'stateDir' | 'configFile'>,
): Promise<Application> {
  const file = withTopics(await loadTopologyFile(options.file), options.configFile)
  const { config: set, forTopology } = splitSettings(options.set, { takesSettings: file.takesSettings })
  const { configFile } = options
  const config = {
    ...file.config,
    ...configFile?.settings,
    ...set,
    applicationId: options.applicationId ?? file.config?.applicationId ?? nameOf(options.file),
    stateDir: options.stateDir ?? process.env['MILLRACE_STATE_DIR'] ?? file.config?.stateDir ?? '.millrace',
  }
  const { applicationId, stateDir } = config
  await asUsage(() => resolveConfig({ ...set, applicationId, stateDir }))
  resolveConfig(config)
  const topology = await file.topology(forTopology)
  return { file, topology, config, set, settings: forTopology }
}

function withTopics(file: LoadedTopologyFile, configFile: ConfigFile | undefined): LoadedTopologyFile {
  const { topics = [] } = configFile ?? {}
  if (topics.length === 0) return file
  const others = (file.topics ?? []).filter(({ topic }) => topics.every(each => each.topic !== topic))
  return { ...file, topics: [...topics, ...others] }
}

function nameOf(file: string): string {
  return basename(file, extname(file))
}

/** Throws a `UsageError` for an `--input` that cannot be read. */
export async function checkInputs(inputs: readonly Pair[]): Promise<void> {
  if (inputs.filter(({ value }) => value === '-').length > 1) {
    throw new UsageError('STANDARD_INPUT_TWICE', '--input: only one topic can be fed from standard input')
  }
  for (const { value } of inputs) await checkReadable(value, '--input')
}

/** Throws a `UsageError`, `INVALID_PORT`. */
export function serviceAddress(environment: NodeJS.ProcessEnv): { host: string; port: number } {
  const { HOST = '127.0.0.1', PORT = '8080' } = environment
  const port = Number(PORT)
  if (/^\d{1,5}$/.test(PORT) && port <= 65_535) return { host: HOST, port }
  throw new UsageError('INVALID_PORT', `PORT is "${PORT}": it must be a number from 0 to 65535`)
}

/** Several processes write to one standard error, so each says which it is. */
export function loggerFor({
  logLevel,
  processIndex,
}: Pick<SharedOptions, 'logLevel' | 'processIndex'>): Logger {
  const plain = terminalLogger(logLevel)
  if (processIndex === undefined) return plain
  return {
    log: (lineLevel, message, fields) => plain.log(lineLevel, `[${processIndex}] ${message}`, fields),
  }
}
