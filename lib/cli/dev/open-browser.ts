import { spawn } from 'node:child_process'
import type { Logger } from '../../common/logger.ts'

const OPENERS: { readonly [platform: string]: readonly [program: string, ...args: string[]] } = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** Opens the page in the browser of whoever is at this machine; where there is none, that is told. */
export function openBrowser(url: string, logger: Logger): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  const failed = (why: string) => logger.log('warn', `no browser opens (${program}: ${why}): open ${url}`)
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.once('error', error => failed(error.message))
  child.once('exit', code => {
    if (code !== 0) failed(`exit code ${code}`)
  })
  child.unref()
}
