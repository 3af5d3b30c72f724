/** As many digits as rows (at most 1,000,000) and chunks need, so that text order is number order. */
const ROW_DIGITS = 7
/** Sequence numbers never start over. */
const SEQ_DIGITS = 12

/** `importId/0000042`: rows, chunks and segments of an import lie together, in order. */
export function numberedKey(importId: string, number: number): string {
  return `${importId}/${String(number).padStart(ROW_DIGITS, '0')}`
}

/** `channel/000000000042`; a channel's name has no slash. */
export function pushKey(channel: string, seq: number): string {
  return `${channel}/${String(seq).padStart(SEQ_DIGITS, '0')}`
}

export function channelOfPushKey(key: string): string {
  return key.slice(0, key.lastIndexOf('/'))
}
