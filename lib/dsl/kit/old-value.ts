/**
 * A copy of the value, safe from a callback that changes the object in place and returns it: a subtractor
 * below must see the old value unchanged. Values without references are their own copy.
 */
export function keepOldValue<V>(value: V): V {
  if (typeof value !== 'object' || value === null) return value
  const copy = structuredClone(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  // The prototype is restored, since a clone is a plain object without the methods of the user's class.
  if (Object.getPrototypeOf(copy) !== prototype) Object.setPrototypeOf(copy, prototype as object | null)
  return copy
}
