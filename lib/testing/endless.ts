import { StreamsError } from '../common/errors/errors.ts'

/** One call of the driver does not end. `topic`: of the input processed last; undefined: a punctuator ran. */
export function endless(topic: string | undefined, steps: number): StreamsError {
  const what =
    topic === undefined
      ? `punctuators or timers have come due ${steps} times without time passing: one of them seems to set itself anew for a time that has ` +
        'passed. Let it be later, or raise stepsMax if so many are meant'
      : `one call has led to more than ${steps} records, the last of them from topic "${topic}": the topology seems to write to its own ` +
        'source, so that it would never end. Write to another topic, or end the circle by a condition; raise stepsMax if so many are meant'
  return new StreamsError('ENDLESS_TOPOLOGY', what)
}
