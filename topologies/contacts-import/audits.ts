import { type Audit } from 'millrace'
import { jsonOf, textOf } from '../web/record-json.ts'
import type { ImportJob, RowResult } from './records.ts'
import { TOPICS } from './topics.ts'

export const importedOnce: Audit = {
  name: 'imported once',
  description: 'Each row of an upload has one result, however often the process is killed in the middle.',
  expected: {
    topics: [TOPICS.jobs],
    id({ value }) {
      const { importId, row } = jsonOf<ImportJob>(value)
      return `${importId} ${row}`
    },
  },
  seen: {
    topics: [TOPICS.results],
    id: ({ key, value }) => `${textOf(key)} ${jsonOf<RowResult>(value).row}`,
  },
}
