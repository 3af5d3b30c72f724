import type { Clock } from '../common/clock.ts'
import { ConfigError } from '../common/errors/errors.ts'
import type { Logger } from '../common/logger.ts'

/** Options of both kinds of hubs. */
export interface HubOptions {
  /**
   * Origins of pages that may connect beside those of the same host, `https://app.example`; `*` for all.
   * Programs that send no origin are let in.
   */
  readonly origins?: '*' | readonly string[] | undefined
  /** Clients at once; with more they are refused with 503. Default 10,000. */
  readonly clientsMax?: number | undefined
  /** Between signs of life to a client; one that has not answered the last is let go of. Default 30,000. */
  readonly heartbeatMs?: number | undefined
  readonly clock?: Clock | undefined
  /** Default: the console. */
  readonly logger?: Logger | undefined
}

export interface PushHubOptions extends HubOptions {
  /** That of `toChannels`. */
  readonly name: string
  /**
   * Signs the tokens of channels: at least 16 characters. Of a list the first signs, and all are known, so
   * that secrets can be changed. Every process needs the same. `false`: everybody may read every channel.
   */
  readonly secret: string | readonly string[] | false
  /** Below it is `/events`. Default `/push`. */
  readonly path?: string | undefined
  /** Bytes that wait for one client, which is the memory that it costs. Default 256 KiB. */
  readonly clientBytesMax?: number | undefined
  /**
   * A client that was too slow for so long gets only the newest of events with a merge key. Default 1,000.
   */
  readonly mergeAfterMs?: number | undefined
  /** After being too slow for so long, a client is told to come back later. Default 30,000. */
  readonly disconnectAfterMs?: number | undefined
}

export interface LiveHubOptions extends HubOptions {
  /** Its name in metrics. Default `live`. */
  readonly name?: string | undefined
  /** Default `/live`. */
  readonly path?: string | undefined
  /** As that of `pushHub`; default `false`. The token's channel is the hub's name. */
  readonly secret?: string | readonly string[] | false | undefined
  /** What happened in this time goes out together. Default 100. */
  readonly intervalMs?: number | undefined
  /** Keys that go out together; of more the oldest are left out, and the page is told. Default 200. */
  readonly keysMax?: number | undefined
  /** Bytes that wait for one client; with more it is told to come back later. Default 1 MiB. */
  readonly clientBytesMax?: number | undefined
}

/** Throws `INVALID_OPTION` for numbers that are none. */
export function checkNumbers(hub: string, options: { readonly [option: string]: number }): void {
  for (const [option, value] of Object.entries(options)) {
    if (Number.isSafeInteger(value) && value > 0) continue
    throw new ConfigError(
      'INVALID_OPTION',
      `${option} of ${hub} is ${value}: it must be a whole number of at least 1`,
    )
  }
}

export function checkPath(hub: string, path: string): string {
  if (/^\/[^?#]*[^/?#]$/.test(path)) return path
  throw new ConfigError(
    'INVALID_OPTION',
    `path of ${hub} is ${JSON.stringify(path)}: it must be like "/push"`,
  )
}
