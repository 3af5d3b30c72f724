import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCaseFiles } from './case.ts'
import { checkCases } from './check-case.ts'
import { generateCases, missingForOracle } from './jvm-oracle.ts'

// npm run oracle:fuzz -- --seed S --count N: Kafka Streams makes up cases and answers them; Millrace must
// give the same answers. Where something differs, the cases are kept, to be copied into cases/ under a name
// that tells what they show.
const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1000' } },
})
const missing = await missingForOracle()
if (missing !== undefined) {
  console.error(`oracle:fuzz needs Kafka Streams to answer the cases. ${missing}.`)
  process.exitCode = 2
} else {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-oracle-'))
  await generateCases({ seed: Number(values.seed), count: Number(values.count), folder })
  const { failed } = await checkCases(readCaseFiles([folder]))
  if (failed === 0) rmSync(folder, { recursive: true })
  else console.log(`the cases of seed ${values.seed} are kept in ${folder}`)
  process.exitCode = failed === 0 ? 0 : 1
}
