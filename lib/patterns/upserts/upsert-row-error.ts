import { NonRetriableError } from '../../processor/retry-errors.ts'

/** A row that a target cannot take, whenever it comes. */
export class UpsertRowError extends NonRetriableError {}
