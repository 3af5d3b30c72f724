import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * `npm run docs`: the site, from the pages, the README as its first page, the changes and the API's
 * reference, all of them copied to a folder of their own.
 */
const WORK = 'docs/.vitepress/work'
const OUT = 'docs/.vitepress/dist'

rmSync(WORK, { recursive: true, force: true })
mkdirSync(`${WORK}/.vitepress`, { recursive: true })
for (const name of ['config.ts', 'theme'])
  cpSync(`docs/.vitepress/${name}`, `${WORK}/.vitepress/${name}`, { recursive: true })

for (const name of readdirSync('docs').filter(each => each.endsWith('.md'))) {
  writeFileSync(`${WORK}/${name}`, forSite(readFileSync(`docs/${name}`, 'utf8')))
}
writeFileSync(`${WORK}/index.md`, forSite(readFileSync('README.md', 'utf8')))
writeFileSync(`${WORK}/changes.md`, forSite(readFileSync('CHANGELOG.md', 'utf8')))
cpSync('docs/images', `${WORK}/images`, { recursive: true })
mkdirSync(`${WORK}/public`, { recursive: true })
cpSync('bench/compare/chart.svg', `${WORK}/public/chart.svg`)

run('typedoc', ['--out', `${WORK}/api`])
run('vitepress', ['build', WORK, '--outDir', `${process.cwd()}/${OUT}`])
process.stdout.write(`the site is in ${OUT}\n`)

function forSite(text) {
  return text
    .replaceAll('](CHANGELOG.md)', '](changes.md)')
    .replaceAll('](../CHANGELOG.md)', '](changes.md)')
    .replaceAll('](docs/', '](')
    .replaceAll('](../bench/compare/chart.svg)', '](/chart.svg)')
}

function run(tool, args) {
  execFileSync(`node_modules/.bin/${tool}`, args, { stdio: 'inherit' })
}
