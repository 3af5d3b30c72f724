import type { Audit, AuditSide } from 'millrace'
import { jsonOf, textOf } from '../web/record-json.ts'
import type { SiteApps } from './records.ts'
import { TOPICS } from './topics.ts'

/** Older ones may have been compacted away, out of one of the topics only. */
const sinceMs = Date.now() - 86_400_000

const revisionsIn = (topic: string): AuditSide => ({
  topics: [topic],
  id({ key, value, timestamp }) {
    if (value === null || timestamp < sinceMs) return undefined
    return `${textOf(key)} ${jsonOf<SiteApps>(value).revision}`
  },
})

export const audits: readonly Audit[] = [
  {
    name: 'projected once',
    description:
      'Each revision of a site that its owner publishes reaches the view once, however often the process is killed.',
    expected: revisionsIn(TOPICS.metadata),
    seen: revisionsIn(TOPICS.sites),
  },
]
