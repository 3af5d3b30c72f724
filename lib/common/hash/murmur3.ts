import { Buffer } from 'node:buffer'
import { asBuffer } from '../bytes.ts'

const SEED = 104729

/**
 * A 64-bit number as two halves, each a signed 32-bit number: arithmetic on bigints costs ten times as much.
 */
interface Word {
  hi: number
  lo: number
}

const C1: Word = { hi: 0x87c37b91 | 0, lo: 0x114253d5 }
const C2: Word = { hi: 0x4cf5ad43, lo: 0x2745937f }
const FINAL_1: Word = { hi: 0xff51afd7 | 0, lo: 0xed558ccd | 0 }
const FINAL_2: Word = { hi: 0xc4ceb9fe | 0, lo: 0x1a85ec53 }

// Words are shared by all calls: nothing calls back from here.
const h1: Word = { hi: 0, lo: 0 }
const h2: Word = { hi: 0, lo: 0 }
const k: Word = { hi: 0, lo: 0 }

/**
 * MurmurHash3, x64, 128 bits, with the seed of Kafka Streams (`Murmur3.hash128`): by it, foreign-key joins
 * tell whether an answer is for the row that is there now. 16 bytes, both halves big-endian, as they go into
 * its topics.
 */
export function murmur3(data: Uint8Array): Uint8Array {
  const bytes = asBuffer(data)
  const whole = bytes.length & ~15
  setWord(h1, 0, SEED)
  setWord(h2, 0, SEED)
  for (let at = 0; at < whole; at += 16) {
    setWord(k, bytes.readInt32LE(at + 4), bytes.readInt32LE(at))
    mixFirst(0x52dce729)
    setWord(k, bytes.readInt32LE(at + 12), bytes.readInt32LE(at + 8))
    mixSecond(0x38495ab5)
  }
  setRest(bytes, whole + 8, bytes.length)
  scramble(C2, 33, C1)
  xor(h2, k)
  setRest(bytes, whole, Math.min(bytes.length, whole + 8))
  scramble(C1, 31, C2)
  xor(h1, k)
  return finished(bytes.length)
}

function mixFirst(constant: number): void {
  scramble(C1, 31, C2)
  xor(h1, k)
  rotate(h1, 27)
  add(h1, h2)
  timesFivePlus(h1, constant)
}

function mixSecond(constant: number): void {
  scramble(C2, 33, C1)
  xor(h2, k)
  rotate(h2, 31)
  add(h2, h1)
  timesFivePlus(h2, constant)
}

function finished(length: number): Uint8Array {
  h1.lo ^= length
  h2.lo ^= length
  add(h1, h2)
  add(h2, h1)
  avalanche(h1)
  avalanche(h2)
  add(h1, h2)
  add(h2, h1)
  // The hash is in memory of a pool, without a view of its own: views take longer than the rest.
  const hash = Buffer.allocUnsafe(16)
  hash.writeInt32BE(h1.hi, 0)
  hash.writeInt32BE(h1.lo, 4)
  hash.writeInt32BE(h2.hi, 8)
  hash.writeInt32BE(h2.lo, 12)
  return hash
}

/**
 * Sets `k` from the bytes after the last whole block, little-endian; 0, which mixes to 0, if there are none.
 */
function setRest(bytes: Uint8Array, from: number, to: number): void {
  setWord(k, 0, 0)
  for (let at = to - 1; at >= from; at -= 1) {
    const shift = 8 * (at - from)
    if (shift >= 32) k.hi |= bytes[at]! << (shift - 32)
    else k.lo |= bytes[at]! << shift
  }
}

function scramble(first: Word, bits: number, second: Word): void {
  multiply(k, first)
  rotate(k, bits)
  multiply(k, second)
}

function avalanche(word: Word): void {
  // A shift to the right by 33 bits puts the upper half, less one bit, into the lower one.
  word.lo ^= word.hi >>> 1
  multiply(word, FINAL_1)
  word.lo ^= word.hi >>> 1
  multiply(word, FINAL_2)
  word.lo ^= word.hi >>> 1
}

function setWord(word: Word, hi: number, lo: number): void {
  word.hi = hi
  word.lo = lo
}

function xor(word: Word, other: Word): void {
  word.hi ^= other.hi
  word.lo ^= other.lo
}

function add(word: Word, other: Word): void {
  const lo = (word.lo >>> 0) + (other.lo >>> 0)
  word.hi = (word.hi + other.hi + (lo > 0xffff_ffff ? 1 : 0)) | 0
  word.lo = lo | 0
}

function timesFivePlus(word: Word, constant: number): void {
  // The sum is below 2^53, so the carry is exact.
  const lo = (word.lo >>> 0) * 5 + constant
  word.hi = (Math.imul(word.hi, 5) + Math.floor(lo / 0x1_0000_0000)) | 0
  word.lo = lo | 0
}

function rotate(word: Word, bits: number): void {
  const { hi, lo } = word
  if (bits < 32) {
    word.hi = (hi << bits) | (lo >>> (32 - bits))
    word.lo = (lo << bits) | (hi >>> (32 - bits))
  } else {
    word.hi = (lo << (bits - 32)) | (hi >>> (64 - bits))
    word.lo = (hi << (bits - 32)) | (lo >>> (64 - bits))
  }
}

/**
 * Multiplies by halves of 16 bits, whose products are exact; only the lower 64 bits of the product are kept.
 */
function multiply(word: Word, by: Word): void {
  const low = word.lo & 0xffff
  const high = word.lo >>> 16
  const byLow = by.lo & 0xffff
  const byHigh = by.lo >>> 16
  const lowest = low * byLow
  const middle = low * byHigh + high * byLow + (lowest >>> 16)
  const upper = high * byHigh + Math.floor(middle / 0x1_0000)
  word.hi = (upper + Math.imul(word.hi, by.lo) + Math.imul(word.lo, by.hi)) | 0
  word.lo = ((middle & 0xffff) << 16) | (lowest & 0xffff)
}
