import type { Audit } from 'millrace'
import { jsonOf, textOf } from '../web/record-json.ts'
import type { ImportJob, ImportResult, UploadRecord } from './records.ts'
import { TOPICS } from './topics.ts'

export const audits: readonly Audit[] = [
  {
    name: 'begun once',
    description: 'Each file that was taken becomes one import.',
    expected: {
      topics: [TOPICS.uploads],
      id: ({ key, value }) => ('total' in jsonOf<UploadRecord>(value) ? textOf(key) : undefined),
    },
    seen: {
      topics: [TOPICS.results],
      id: ({ key, value }) => ('total' in jsonOf<ImportResult>(value) ? textOf(key) : undefined),
    },
  },
  {
    name: 'imported once',
    description: 'Each row of an import has one result, however often the process is killed in the middle.',
    expected: {
      topics: [TOPICS.jobs],
      id({ value }) {
        const { importId, row } = jsonOf<ImportJob>(value)
        return `${importId} ${row}`
      },
    },
    seen: {
      topics: [TOPICS.results],
      id({ key, value }) {
        const result = jsonOf<ImportResult>(value)
        return 'row' in result ? `${textOf(key)} ${result.row}` : undefined
      },
    },
  },
]
