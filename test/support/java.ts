import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const VERSION_MIN = 17

/** Why programs of the JVM cannot run on this machine, or undefined. */
export async function missingJava(): Promise<string | undefined> {
  const version = await javaVersion()
  if (version === undefined)
    return `Java is missing: install a JRE of version ${VERSION_MIN} or later (Debian: openjdk-17-jre-headless)`
  if (version < VERSION_MIN)
    return `Java ${version} is too old: install a JRE of version ${VERSION_MIN} or later (Debian: openjdk-17-jre-headless)`
  return undefined
}

/** Why Java sources cannot be compiled, nor run by `java FILE.java`, on this machine, or undefined. */
export async function missingJdk(): Promise<string | undefined> {
  const java = await missingJava()
  if (java) return java
  const modules = await outputOf('java', '--list-modules')
  if (modules?.includes('jdk.compiler')) return undefined
  return `The Java compiler is missing: install a JDK of version ${VERSION_MIN} or later (Debian: openjdk-17-jdk-headless)`
}

/** Why Maven cannot fetch anything, or undefined. */
export async function missingMaven(): Promise<string | undefined> {
  if ((await outputOf('mvn', '-version')) !== undefined) return undefined
  return 'Maven is missing: install it (Debian: maven); it fetches Kafka once'
}

/** The feature version: 8, 17, 21. */
async function javaVersion(): Promise<number | undefined> {
  // "1.8.0_392" until Java 8, "17.0.9" since.
  const [, first, second] =
    /version "(\d+)(?:\.(\d+))?/.exec((await outputOf('java', '-version')) ?? '') ?? []
  return first === undefined ? undefined : Number(first === '1' ? second : first)
}

async function outputOf(program: string, argument: string): Promise<string | undefined> {
  return promisify(execFile)(program, [argument]).then(
    ({ stdout, stderr }) => stdout + stderr,
    () => undefined,
  )
}
