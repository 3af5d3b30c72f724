import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'

/** What `toChannels` makes of a record, before it has a number. */
export interface ChannelEvent {
  readonly data: unknown
  /** Set on events that tell an end. */
  readonly isTerminal?: true
  /** Events of a channel with the same one stand for each other: the newest is enough for a slow reader. */
  readonly mergeKey?: string
}

/** An event of a channel, as it is in the topic and in the log. */
export interface PushEvent extends ChannelEvent {
  /** 1, 2, 3 … in its channel. */
  readonly seq: number
  /** The record's timestamp. */
  readonly atMs: number
}

/** What the node that numbers knows of a channel. */
export interface ChannelNumber {
  /** The last number given. */
  readonly seq: number
  /** When it was given, by the wall clock. */
  readonly atMs: number
  /** Whether that event told an end. */
  readonly isTerminal: boolean
}

export const pushEventSerde = serdes.json<PushEvent>() as Serde<PushEvent>
export const channelEventSerde = serdes.json<ChannelEvent>() as Serde<ChannelEvent>
export const channelNumberSerde = serdes.json<ChannelNumber>() as Serde<ChannelNumber>

/** The most code units of a channel's name. */
export const CHANNEL_LENGTH_MAX = 200
const SEQ_DIGITS = 16
const SEPARATOR = '\u0000'

/** Whether a text can be the name of a channel: not empty, not long, no control characters. */
export function isChannel(channel: unknown): channel is string {
  return (
    typeof channel === 'string' && /^[^\p{Cc}\p{Cs}]+$/u.test(channel) && channel.length <= CHANNEL_LENGTH_MAX
  )
}

/** Key of an event in the log: a channel's events lie together, by number. */
export function pushKey(channel: string, seq: number): string {
  return channel + SEPARATOR + String(seq).padStart(SEQ_DIGITS, '0')
}

export function channelOfPushKey(key: string): string {
  return key.slice(0, -SEQ_DIGITS - SEPARATOR.length)
}

/** The store in which every process has the channels' events. */
export function pushLogName(name: string): string {
  return `${name}-log`
}
