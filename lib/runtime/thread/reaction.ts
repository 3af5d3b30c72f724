import { BrokerError, type BrokerErrorClass } from '../../broker/broker-error.ts'
import { StreamsError, TaskCorruptedError, TaskMigratedError } from '../../common/errors/errors.ts'

/**
 * Reaction to an error:
 *
 * - `abort`: the epoch is dropped; the tasks go back to the last commit and on from there.
 * - `isolate`: as `abort`, and what was refused is looked for among the outputs of the repetition
 *   (`Refusals`), where its handler is asked.
 * - `rejoin`: the tasks are given up, clients are made anew, the group is joined again.
 * - `fail`: the thread ends; the application's handler for uncaught errors decides.
 */
export type Reaction = 'abort' | 'isolate' | 'rejoin' | 'fail'

/**
 * Phase in which the error occurred: with a transaction open and tasks that can go back (`run`), or while
 * clients are opened, topics prepared, tasks taken over and global tables loaded (`start`), where there is
 * nothing to go back to.
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

/** The rules for errors of the broker. */
const RULES: { readonly [errorClass in BrokerErrorClass]: Rule } = {
  // A retriable call was repeated as long as it may be, and its outcome is unknown: only a new producer can
  // end the transaction.
  retriable: again,
  // Outside of a transaction (`start`) there is nothing to abort.
  abortable: { ...again, run: 'abort' },
  // The group has a new generation: joining again shows which tasks are still ours.
  'task-migrated': again,
  // A fenced producer's transaction timed out, or a copy of this process runs: a new producer finds out.
  fenced: { ...again, bound: 'fenced' },
  'record-refused': { ...end, run: 'isolate' },
  'topic-missing': { ...again, bound: 'topic' },
  // Rights are granted by people, who have to be told.
  authorization: end,
  authentication: { ...again, bound: 'authentication' },
  // A fatal error ends the client, not the application: a new client may find the cluster well again.
  fatal: { ...again, bound: 'few' },
}

/** Rules for errors with a code of their own, thrown above the broker. */
const RULES_BY_CODE: ReadonlyMap<string, Rule> = new Map([
  // The client was closed by us, or by the application, which closed the broker under us.
  ['CLIENT_CLOSED', end],
  // A task that is being taken over asks anew where to begin. A running task's position is moved.
  ['OFFSET_OUT_OF_RANGE', again],
  // The handler rolled the input back, and it is left out of the repetition.
  ['INPUT_ROLLED_BACK', RULES.abortable],
  // The group has members of another kind, or had: Kafka Streams on the JVM does not leave when it closes.
  ['INCONSISTENT_GROUP_PROTOCOL', { ...again, bound: 'session' }],
  ['CHANGELOG_LOST', { ...again, bound: 'changelog' }],
  // The cluster no longer names a topic that existed.
  ['TOPIC_MISSING', RULES['topic-missing']],
])

/** The rule for exceptions of user code, and of ours: repeating would fail again. */
const OTHERS = end

function ruleOf(error: unknown): Rule {
  const byCode = error instanceof StreamsError ? RULES_BY_CODE.get(error.code) : undefined
  if (byCode) return byCode
  if (error instanceof BrokerError) return RULES[error.class]
  // Unusable state is restored when the tasks are taken over again; whoever opens it counts how often.
  if (error instanceof TaskMigratedError || error instanceof TaskCorruptedError) return again
  return OTHERS
}

export function reactionTo(error: unknown, phase: Phase): Reaction {
  return ruleOf(error)[phase]
}

export function boundOf(error: unknown): Bound {
  return ruleOf(error).bound
}
