import { useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { Audit } from '../core/api-types.ts'
import { count, duration, minute } from '../core/format.ts'
import { useJson } from '../core/use-json.ts'
import { Icon } from '../parts/icon.tsx'

/**
 * What an independent reader has counted in the topics. It is asked for: a stream more would take one of the
 * browser's six connections for numbers that may be two seconds old.
 */
export function AuditLines({ applicationId }: { readonly applicationId: string }) {
  const { data } = useJson<{ audits: readonly Audit[] }>(appPath(applicationId, ['audits']), {
    everyMs: 2_000,
  })
  if (!data || data.audits.length === 0) return null
  return (
    <section class="audits" aria-label="Audit">
      {data.audits.map(audit => (
        <AuditLine key={audit.name} audit={audit} />
      ))}
    </section>
  )
}

function AuditLine({ audit }: { readonly audit: Audit }) {
  const { name, description, since, expected, lost, repeated, pending, caughtUp, behindMs } = audit
  const [open, setOpen] = useState(false)
  const isGood = lost === 0 && repeated === 0
  return (
    <div class={`audit ${isGood ? 'good' : 'bad'}`}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={isGood ? 'check' : 'warning'} />
        <span>
          {since === null ? 'Just begun' : `Since ${minute(since)}`}: <b>{count(expected)}</b> expected,{' '}
          <b class={lost > 0 ? 'bad' : ''}>{count(lost)} lost</b>,{' '}
          <b class={repeated > 0 ? 'bad' : ''}>{count(repeated)} repeated</b>
          {pending > 0 && `, ${count(pending)} under way`}
        </span>
        <small>
          {caughtUp
            ? 'counted from the topics by a reader of its own'
            : `the reader is ${duration(behindMs)} behind`}
        </small>
      </button>
      {open && (
        <div class="audit-more">
          <p>
            <strong>{name}</strong>: {description}
          </p>
          <Examples title="Lost" ids={audit.examples.lost} />
          <Examples title="Repeated" ids={audit.examples.repeated} />
        </div>
      )}
    </div>
  )
}

function Examples({ title, ids }: { readonly title: string; readonly ids: readonly string[] }) {
  if (ids.length === 0) return null
  return (
    <p>
      {title}:{' '}
      {ids.map(id => (
        <code key={id}>{id}</code>
      ))}
    </p>
  )
}
