import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missingJava, missingMaven } from '../support/java.ts'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))
const CACHE = process.env['MILLRACE_KAFKA_CACHE'] ?? join(homedir(), '.cache', 'millrace-kafka')

/** Why a broker cannot be started on this machine, or undefined. */
export async function missingForBroker(): Promise<string | undefined> {
  return (await missingJava()) ?? (existsSync(jarFolder()) ? undefined : missingMaven())
}

/**
 * The folder with the broker's jars, fetched by Maven the first time (about 130 MB). `say` gets a line per
 * step.
 */
export async function brokerJars(say: (line: string) => void): Promise<string> {
  const folder = jarFolder()
  if (existsSync(folder)) return folder
  say(`fetching Kafka by Maven into ${folder}; about 130 MB, once`)
  // Two processes may fetch at the same time: each into a folder of its own, the first rename wins.
  const partial = `${folder}.${process.pid}`
  await mkdir(CACHE, { recursive: true })
  await copyJars(partial, say)
  await rename(partial, folder).catch(async (reason: unknown) => {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(folder)) throw reason
  })
  say('fetched')
  return folder
}

function jarFolder(): string {
  // A folder for each content of the file, so that a change of a version is a new folder.
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex')
  return join(CACHE, `jars-${hash.slice(0, 12)}`)
}

async function copyJars(target: string, say: (line: string) => void): Promise<void> {
  const args = ['-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`]
  const maven = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let downloads = 0
  let tail = ''
  maven.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString()
    tail = (tail + text).slice(-4000)
    const before = downloads
    downloads += text.split('Downloaded from').length - 1
    if (Math.floor(downloads / 25) > Math.floor(before / 25)) say(`${downloads} files fetched`)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    maven.once('error', reject)
    maven.once('close', resolve)
  })
  if (code === 0) return
  await rm(target, { recursive: true, force: true })
  throw new Error(`Maven could not fetch Kafka (exit code ${code}). Its last words:\n${tail}`)
}
