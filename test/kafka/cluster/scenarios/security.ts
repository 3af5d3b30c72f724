import type { Scenario } from '../scenario.ts'
import type { Stage, StartOptions } from '../stage.ts'
import { OUTPUTS } from '../ledger.ts'
import { NODE_IDS } from '../cluster.ts'
import type { Acl } from '../witness.ts'

export const PASSWORD = 'right'
/** Credentials that are refused end the application at once, on a first start. */
const AT_ONCE_MS = 30_000
/** While it runs, after all brokers have refused for a minute. */
const REFUSED_MS = 150_000
const BACK_MS = 30_000

type Right = readonly [resource: Acl['resource'], name: string, pattern: Acl['pattern'], operations: string]

/** Not the application's name alone: a message that names a topic has not named the user. */
export const userOf = (stage: Stage) => `user-of-${stage.applicationId}`

/** Exactly what the application needs, by its own names. */
function rightsOf(stage: Stage): readonly Right[] {
  return [
    ['topic', stage.topic('in'), 'literal', 'read describe'],
    ['topic', stage.topic('table'), 'literal', 'read describe'],
    ...OUTPUTS.map((name): Right => ['topic', stage.topic(name), 'literal', 'write describe']),
    [
      'topic',
      stage.internal(''),
      'prefixed',
      'create delete read write describe describe_configs alter_configs',
    ],
    ['group', stage.applicationId, 'literal', 'read describe'],
    ['transactional_id', stage.applicationId, 'prefixed', 'write describe'],
  ]
}

function aclsOf(stage: Stage): Acl[] {
  return rightsOf(stage).flatMap(([resource, name, pattern, operations]) =>
    operations.split(' ').map(operation => {
      return { resource, name, pattern, operation, user: userOf(stage), permission: 'allow' as const }
    }),
  )
}

/**
 * A user of this name and password, with exactly the rights that the application needs; and how it is one.
 */
export async function known(stage: Stage): Promise<StartOptions> {
  const { witness, cluster } = stage
  const user = userOf(stage)
  await witness.setPassword(user, PASSWORD)
  for (const acl of aclsOf(stage)) await witness.grant(acl)
  return {
    brokers: cluster.addresses.secured,
    client: {
      'security.protocol': 'sasl_ssl',
      'sasl.mechanism': 'SCRAM-SHA-256',
      'sasl.username': user,
      'sasl.password': PASSWORD,
      'ssl.ca.location': cluster.addresses.authority,
    },
  }
}

function changed(options: StartOptions, client: StartOptions['client']): StartOptions {
  return { ...options, client: { ...options.client, ...client } }
}

async function refusedAtStart(stage: Stage, client: StartOptions['client'], pattern: RegExp): Promise<void> {
  stage.launch(changed(await known(stage), client))
  await stage.expectEnd(AT_ONCE_MS, [pattern])
  for (const { name, error } of stage.applications)
    if (error?.class !== 'authentication')
      throw new Error(
        `${name}: the error is of class ${error?.class}, which is not that of what never passes`,
      )
}

async function ownNamesOnly(stage: Stage): Promise<void> {
  await stage.start(await known(stage))
  await stage.expectExact()
}

async function writeDenied(stage: Stage): Promise<void> {
  await stage.start(await known(stage))
  const denial: Acl = {
    resource: 'topic',
    name: stage.topic('joined'),
    pattern: 'literal',
    user: userOf(stage),
    operation: 'write',
    permission: 'deny',
  }
  await stage.witness.grant(denial)
  await stage.expectEnd(AT_ONCE_MS, [
    new RegExp(userOf(stage)),
    /\bwrite\b/i,
    new RegExp(stage.topic('joined')),
  ])
  stage.say('allowed again, and the application started')
  await stage.witness.revoke(denial)
  await stage.restart()
  await stage.expectExact()
}

/** With the old password no broker takes a new connection, and the old connections end. */
async function changePassword(stage: Stage): Promise<void> {
  await stage.witness.setPassword(userOf(stage), 'changed')
  for (const node of NODE_IDS) {
    await stage.cluster.act('stop', node)
    await stage.cluster.act('start', node)
  }
}

async function passwordChanged(stage: Stage): Promise<void> {
  await stage.start(await known(stage))
  await changePassword(stage)
  await stage.expectEnd(REFUSED_MS, [/password|credential|authenticat/i])
  stage.say('the password is right again, and the application started')
  await stage.witness.setPassword(userOf(stage), PASSWORD)
  await stage.restart()
  await stage.expectExact()
}

async function passwordChangedForAWhile(stage: Stage): Promise<void> {
  await stage.start(await known(stage))
  const forAWhile = async () => {
    await changePassword(stage)
    await stage.witness.setPassword(userOf(stage), PASSWORD)
  }
  await stage.measure('password right again', forAWhile, { limitMs: BACK_MS, from: 'end' })
  await stage.expectExact()
}

export const securityScenarios: readonly Scenario[] = [
  {
    name: 'wrong-authority',
    about: 'TLS with an authority that does not vouch for the brokers: ends at once, saying so',
    run: async stage => {
      const { strangeAuthority } = stage.cluster.addresses
      await refusedAtStart(stage, { 'ssl.ca.location': strangeAuthority }, /certificate|authority/i)
    },
  },
  {
    name: 'wrong-password',
    about: 'SCRAM with a wrong password: ends at once, saying so',
    quick: true,
    run: stage => refusedAtStart(stage, { 'sasl.password': 'wrong' }, /password|credential|authenticat/i),
  },
  {
    name: 'own-names-only',
    about: "rights for exactly the application's names: exact",
    quick: true,
    run: ownNamesOnly,
  },
  {
    name: 'write-denied',
    about:
      'WRITE to an output is denied: ends naming principal, operation and topic; exact when allowed again',
    run: writeDenied,
  },
  {
    name: 'password-changed',
    about:
      'the password changes and all brokers restart: ends after a minute of refusals; exact when right again',
    run: passwordChanged,
  },
  {
    name: 'password-changed-for-a-while',
    about: 'the same, but the password is right again before all brokers have refused for a minute: exact',
    run: passwordChangedForAWhile,
  },
]
