import { processedInputs } from '../ledger.ts'
import type { OffsetReset } from '../../../../lib/topology/plan.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { PARTITIONS } from '../stage.ts'
import type { WitnessedRecord } from '../witness.ts'

/** Of 2 kB each: far more than a client reads ahead. */
const BURST = 20_000
const BALLAST_BYTES = 2000
/** Slower than the burst, faster than the steady input. */
const SLOW_MS = 3
/** Of each partition, what retention leaves. */
const LEFT = 200
const END_MS = 60_000

/** Retention passes a consumer that runs, far behind. Resolves with all inputs, and the new beginnings. */
async function overtaken(stage: Stage, offsetReset: OffsetReset) {
  await stage.start()
  await stage.stopFeed()
  await stage.settled((await stage.inputs()).length)
  await stage.closeAll()
  await stage.restart({ slowMs: SLOW_MS, offsetReset })
  await stage.feedBurst(BURST, BALLAST_BYTES)
  const inputs = await stage.inputs()
  const ends = await stage.witness.ends(stage.topic('in'))
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    await stage.witness.deleteRecords(stage.topic('in'), partition, ends[partition]! - LEFT)
  stage.say(`retention has taken ${BURST - LEFT * PARTITIONS} records, most of them unread`)
  await stage.feed()
  return { inputs, beginnings: ends.map(end => end - LEFT), ends }
}

/** Each partition's records come without gap but one, which ends where the policy says. */
async function goesOn(stage: Stage, offsetReset: 'earliest' | 'latest'): Promise<void> {
  const { inputs, beginnings, ends } = await overtaken(stage, offsetReset)
  await stage.untilOutputOf(Date.now())
  await stage.stopFeed()
  const all = union(inputs, await stage.inputs())
  await stage.settled(Infinity)
  const { seen } = await stage.outputs()
  const processed = processedInputs(all, seen)
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const [gap, ...more] = gapsOf(processed.filter(each => each.partition === partition))
    const right =
      offsetReset === 'earliest' ? gap?.end === beginnings[partition] : gap && gap.end >= ends[partition]!
    if (!right || more.length > 0)
      throw new Error(
        `partition ${partition} has the gaps ${JSON.stringify([gap, ...more])}: with '${offsetReset}' there must be one, ` +
          `up to ${offsetReset === 'earliest' ? beginnings[partition] : `${ends[partition]} or later`}`,
      )
  }
  await stage.expectExact({}, processed)
}

/** Offsets that lie between those of processed records. */
function gapsOf(records: readonly WitnessedRecord[]): { readonly start: number; readonly end: number }[] {
  return records.flatMap(({ offset }, at) => {
    const start = at === 0 ? 0 : records[at - 1]!.offset + 1
    return offset === start ? [] : [{ start, end: offset }]
  })
}

function union(
  before: readonly WitnessedRecord[],
  after: readonly WitnessedRecord[],
): readonly WitnessedRecord[] {
  const ends = new Map<number, number>()
  for (const { partition, offset } of before) ends.set(partition, offset)
  return [...before, ...after.filter(({ partition, offset }) => offset > (ends.get(partition) ?? -1))]
}

async function ends(stage: Stage): Promise<void> {
  const { inputs } = await overtaken(stage, 'none')
  // There is a committed offset; its record is gone.
  await stage.expectEnd(END_MS, [/OFFSET_OUT_OF_RANGE|no longer/, new RegExp(stage.topic('in'))])
  const { seen } = await stage.outputs()
  await stage.expectExact({ short: ['groups'] }, processedInputs(inputs, seen))
}

export const retentionScenarios: readonly Scenario[] = [
  {
    name: 'retention-earliest',
    about: "retention passes a consumer that lags, offsetReset 'earliest': goes on at the new beginning",
    run: stage => goesOn(stage, 'earliest'),
  },
  {
    name: 'retention-latest',
    about: "retention passes a consumer that lags, offsetReset 'latest': goes on at the end",
    run: stage => goesOn(stage, 'latest'),
  },
  {
    name: 'retention-none',
    about: "retention passes a consumer that lags, offsetReset 'none': ends naming topic and policy",
    run: ends,
  },
]
