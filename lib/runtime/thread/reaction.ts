import { BrokerError, type BrokerErrorClass } from '../../broker/broker-error.ts'
import { StreamsError, TaskCorruptedError, TaskMigratedError } from '../../common/errors/errors.ts'

/**
 * What is done about an error:
 *
 * - `abort`: the epoch is dropped; the tasks go back to the last commit and on from there.
 * - `isolate`: as `abort`, and what was refused is looked for among the outputs of the repetition
 *   (`Refusals`), where its handler is asked.
 * - `rejoin`: the tasks are given up, clients are made anew, the group is joined again.
 * - `fail`: the thread ends; the application's handler for uncaught errors decides.
 */
export type Reaction = 'abort' | 'isolate' | 'rejoin' | 'fail'

/**
 * Where the error was met: with a transaction open and tasks that can go back (`run`), or while clients are
 * opened, topics prepared, tasks taken over and global tables loaded (`start`), where there is nothing to go
 * back to.
 */
export type Phase = 'start' | 'run'

/**
 * How long a rejoin is tried again without a commit between (`Patience` counts):
 *
 * - `passes`: without end once the application has run; a first start that meets no broker ends at once.
 * - `topic`: 30 s, in which a topic made a moment ago reaches all brokers.
 * - `authentication`: 60 s once the application has run, in which passwords and certificates are exchanged; a
 *   first start ends at once.
 * - `session`: 60 s, in which members that ended without leaving the group are forgotten (Kafka's default
 *   `session.timeout.ms` is 45 s).
 * - `changelog`: 60 s once the application has run, in which other members take the tasks whose state they
 *   have, and fill the topic.
 * - `fenced`: three times; then under another process id, three times more.
 * - `few`: three times.
 */
export type Bound = 'passes' | 'topic' | 'authentication' | 'session' | 'changelog' | 'fenced' | 'few'

interface Rule {
  readonly run: Reaction
  readonly start: Reaction
  readonly bound: Bound
}

const again: Rule = { run: 'rejoin', start: 'rejoin', bound: 'passes' }
const end: Rule = { run: 'fail', start: 'fail', bound: 'few' }

/** The one table of reactions. */
const RULES: { readonly [errorClass in BrokerErrorClass]: Rule } = {
  // A call was repeated for as long as it may be, and its outcome is unknown: only a new producer can end the
  // transaction.
  retriable: again,
  // Outside of a transaction there is nothing to abort.
  abortable: { ...again, run: 'abort' },
  // The group has gone on: it must be asked what is ours.
  'task-migrated': again,
  // The transaction timed out, or a copy of this process runs: a new producer finds out.
  fenced: { ...again, bound: 'fenced' },
  'record-refused': { ...end, run: 'isolate' },
  'topic-missing': { ...again, bound: 'topic' },
  // Rights are given by people, who have to be told.
  authorization: end,
  authentication: { ...again, bound: 'authentication' },
  // The client is finished, the application need not be: a new client may find the cluster well again.
  fatal: { ...again, bound: 'few' },
}

/** Rules for what is thrown on purpose above the broker. */
const RULES_BY_CODE: ReadonlyMap<string, Rule> = new Map([
  // Ours, or the application's who closed the broker under us.
  ['CLIENT_CLOSED', end],
  // A task that is being taken over has it: it is asked anew where to begin. A running task's position is
  // moved.
  ['OFFSET_OUT_OF_RANGE', again],
  // The handler has asked for it; it does not come back.
  ['INPUT_ROLLED_BACK', RULES.abortable],
  // Members of another kind are in the group, or were: Kafka Streams on the JVM does not leave when it
  // closes.
  ['INCONSISTENT_GROUP_PROTOCOL', { ...again, bound: 'session' }],
  ['CHANGELOG_LOST', { ...again, bound: 'changelog' }],
  // A topic that was there is not among those that the cluster names.
  ['TOPIC_MISSING', RULES['topic-missing']],
])

/** The rule for what user code has thrown, or we: repeating it would fail again. */
const OTHERS = end

function ruleOf(error: unknown): Rule {
  const byCode = error instanceof StreamsError ? RULES_BY_CODE.get(error.code) : undefined
  if (byCode) return byCode
  if (error instanceof BrokerError) return RULES[error.class]
  // The state cannot be used: taking the tasks over again restores it; who opens it counts how often.
  if (error instanceof TaskMigratedError || error instanceof TaskCorruptedError) return again
  return OTHERS
}

export function reactionTo(error: unknown, phase: Phase): Reaction {
  return ruleOf(error)[phase]
}

export function boundOf(error: unknown): Bound {
  return ruleOf(error).bound
}
