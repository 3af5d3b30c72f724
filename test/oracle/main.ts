import { checkCases } from './check-case.ts'
import { readCaseFiles } from './case.ts'

// npm run oracle -- FILES…: runs cases (files, or folders of them) and compares with Kafka Streams' answers
// in them.
const paths = process.argv.slice(2)
if (paths.length === 0) {
  console.error('usage: npm run oracle -- FILE|FOLDER…')
  process.exitCode = 2
} else {
  const { failed } = await checkCases(readCaseFiles(paths))
  process.exitCode = failed === 0 ? 0 : 1
}
