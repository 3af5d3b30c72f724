import { StreamsError } from '../../common/errors/errors.ts'

/** A record whose index, outcome or total is none. It changes nothing of its batch. */
export class GatherError extends StreamsError {}
