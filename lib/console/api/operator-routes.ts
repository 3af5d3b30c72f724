import { ConfigError } from '../../common/errors/errors.ts'
import { utf8 } from '../../common/bytes.ts'
import { keyTextOf, parseKey } from '../../http/key-text.ts'
import type { ControlClient } from '../../patterns/control/control-client.ts'
import {
  ControlTargets,
  type LetterTarget,
  type OperatorTarget,
} from '../../patterns/control/control-targets.ts'
import { badBody, textOf, type ApiRoutes, type JsonBody } from './api-routes.ts'
import type { ConsoleApplication } from './console-parts.ts'

const BY = 'the console'
const HISTORY = { limit: 100 }
const ACTIONS = ['pause', 'resume', 'ignore', 'skip'] as const
type Action = (typeof ACTIONS)[number]

/** Schedules, what is paused, and what waits. */
export function addOperatorRoutes(routes: ApiRoutes, application: ConsoleApplication): void {
  const { streams, plan } = application
  addScheduleRoutes(routes, application)
  const targets = new ControlTargets(plan, application.config.defaultKeySerde)
  const client = () => streams.control({ by: BY })
  routes.get('/control', async () => {
    if (targets.operators.length === 0) return { targets: [], commands: [], events: [] }
    const [commands, events] = await Promise.all([client().list(), client().history(HISTORY)])
    return { targets: targets.operators, commands, events }
  })
  routes.post('/control', async body => {
    const target = targetOf(body, targets)
    const action = ACTIONS.find(each => each === body['action'])
    if (!action) throw badBody(`"action" must be one of ${ACTIONS.join(', ')}`)
    const before = await command(client(), action, target, textOf(body, 'note') ?? '')
    return { target, before: before ?? null }
  })
  routes.get('/waiting', c => {
    const operator = c.req.query('operator')
    return { waiting: streams.waitingRecords(operator === undefined ? {} : { operator }) }
  })
}

function addScheduleRoutes(routes: ApiRoutes, { streams, plan }: ConsoleApplication): void {
  const client = streams.schedules({ by: BY })
  const nodes = plan.subtopologies.flatMap(each => each.nodes)
  const hasSchedules = nodes.some(node => node.kind === 'processor' && node.schedule)
  routes.get('/schedules', async () => ({ schedules: hasSchedules ? await client.list() : [] }))
  routes.post('/schedules/:id/pause', async (body, c) => {
    await client.pause(c.req.param('id')!, textOf(body, 'note'))
    return {}
  })
  routes.post('/schedules/:id/resume', async (_, c) => {
    await client.resume(c.req.param('id')!)
    return {}
  })
  routes.post('/schedules/:id/trigger', async (_, c) => ({
    firing: await client.trigger(c.req.param('id')!),
  }))
  routes.post('/schedules/:id/cancel', async (_, c) => {
    await client.delete(c.req.param('id')!)
    return {}
  })
}

async function command(
  client: ControlClient,
  action: Action,
  target: OperatorTarget | LetterTarget,
  reason: string,
): Promise<unknown> {
  if (action === 'skip') {
    if ('letter' in target) return client.skip(target, { reason })
    throw badBody('"skip" is about one record: name its "letter"')
  }
  if ('letter' in target && action !== 'resume')
    throw badBody(`"${action}" is about an operator, a partition or a key, and not about one record`)
  return client[action](target, { reason })
}

/** `target`: the operator, or `{ operator, partition?, key?, letter? }`; `key` may stand beside it. */
function targetOf(body: JsonBody, targets: ControlTargets): OperatorTarget | LetterTarget {
  const { target } = body
  const given: JsonBody =
    typeof target === 'object' && target !== null ? (target as JsonBody) : { operator: target }
  const operator = textOf(given, 'operator')
  if (operator === undefined) throw badBody('"target" must name an operator')
  const letter = textOf(given, 'letter')
  if (letter !== undefined) return { operator, letter }
  const { partition } = given
  if (partition !== undefined && typeof partition !== 'number') throw badBody('"partition" must be a number')
  const key = textOf(body, 'key') ?? textOf(given, 'key')
  return {
    operator,
    ...(partition !== undefined && { partition }),
    ...(key !== undefined && { key: keyOf(key, operator, targets) }),
  }
}

/** Without a serde whose values a text can stand for, the key is the bytes of the text. */
function keyOf(text: string, operator: string, targets: ControlTargets): unknown {
  const { keySerde } = targets.keysOf(operator)
  const keyText = keyTextOf(keySerde)
  if (keyText) return parseKey(keyText, text, 'key')
  if (!keySerde) return utf8(text)
  throw new ConfigError(
    'KEY_NOT_PARSEABLE',
    `keys of ${operator} are of the serde ${keySerde.name}, which no text stands for: pause a partition, or the operator`,
  )
}
