import { TopologyError } from '../../common/errors/errors.ts'
import { utf8, utf8Text } from '../../common/bytes.ts'
import type { Engine } from '../../store/engine/engine.ts'
import { WriteBatch } from '../../store/engine/write-batch.ts'
import { CUSTOM_KIND } from '../../store/contract/state-store.ts'
import type { StorePlan } from '../../topology/plan.ts'

/**
 * Prefix of notes of kinds. They are not among a store's own keys, since they stay when it is cleared: it
 * comes back from its changelog, which is of the same kind.
 */
const KIND_PREFIX = '\0kind\0'

/**
 * Notes the kind of every store in the engine on disk, since each has a layout of its own, which its bytes do
 * not tell. Throws `STORE_KIND_CHANGED` before anything is read or written by another layout.
 */
export async function checkKinds(engine: Engine, plans: readonly StorePlan[]): Promise<void> {
  const added = new WriteBatch()
  for (const plan of plans) {
    if (!plan.builder.persistent) continue
    const { name, kind = CUSTOM_KIND } = plan.builder
    const key = utf8(KIND_PREFIX + name)
    const noted = engine.get(key)
    if (noted === undefined) added.put(key, utf8(kind))
    else if (utf8Text(noted) !== kind) throw kindChanged(plan, utf8Text(noted), kind)
  }
  if (added.count > 0) await engine.write(added)
}

function kindChanged({ builder, changelogTopic }: StorePlan, before: string, now: string): TopologyError {
  const changelog = changelogTopic === undefined ? '' : ` and its changelog "${changelogTopic}"`
  return new TopologyError(
    'STORE_KIND_CHANGED',
    `store "${builder.name}" is a ${now} in this topology, but what is on disk under its name is a ${before}: give it another name, ` +
      `or run under another applicationId; or, to begin anew, remove the application's state (cleanUp())${changelog}`,
  )
}
