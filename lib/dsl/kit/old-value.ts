/**
 * The value as it is now, safe from a callback that changes the object in place and returns it: a subtractor
 * below must see what was, not what has become of it. Values without references are their own copy.
 */
export function keepOldValue<V>(value: V): V {
  if (typeof value !== 'object' || value === null) return value
  const copy = structuredClone(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  // A clone is a plain object; methods of the user's class are found again by its prototype.
  if (Object.getPrototypeOf(copy) !== prototype) Object.setPrototypeOf(copy, prototype as object | null)
  return copy
}
