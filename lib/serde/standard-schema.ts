/**
 * The part of the Standard Schema interface (https://standardschema.dev, version 1) that a serde calls. Zod,
 * Valibot, ArkType and others implement it, so none of them needs to be a dependency.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The issues as one line: `email: expected a string; age: too small`. */
export function describeIssues(issues: readonly StandardIssue[]): string {
  return issues.map(issue => `${pathOf(issue)}${issue.message}`).join('; ')
}

function pathOf(issue: StandardIssue): string {
  if (!issue.path || issue.path.length === 0) return ''
  const steps = issue.path.map(step => String(typeof step === 'object' ? step.key : step))
  return `${steps.join('.')}: `
}
