import { appPath } from '../core/api.ts'
import type { Application, Letters } from '../core/api-types.ts'
import { plural } from '../core/format.ts'
import { link } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { useJson } from '../core/use-json.ts'
import { Answer, Loading } from '../parts/state.tsx'

/** How many dead letters each application has. */
export function LetterOverview() {
  if (!site.value) return <Loading />
  return (
    <>
      <header class="head">
        <h1>Dead letters</h1>
        <p>
          Records that operators gave up, each with its error: correct them, replay them, or do away with
          them.
        </p>
      </header>
      <div class="cards">
        {site.value.applications.map(application => (
          <LetterCard key={application.applicationId} application={application} />
        ))}
      </div>
    </>
  )
}

function LetterCard({ application: { applicationId, title } }: { readonly application: Application }) {
  const letters = useJson<Letters>(appPath(applicationId, ['letters'], { limit: 5 }), { everyMs: 5_000 })
  return (
    <article class="card">
      <header>
        <h2>
          <a href={link(['app', applicationId, 'letters'])}>{title}</a>
        </h2>
        <small>{letters.data && plural(letters.data.total, 'letter')}</small>
      </header>
      <Answer of={letters} rows={2}>
        {({ operators, letters: some }) =>
          operators.length === 0 ? (
            <p class="quiet">None of its operators retries: a record that fails ends the application.</p>
          ) : some.length === 0 ? (
            <p class="quiet">No dead letters of {operators.join(', ')}.</p>
          ) : (
            <ul class="glance">
              {some.map(({ id, operator, error }) => (
                <li key={id}>
                  <a href={link(['app', applicationId, 'letters', id])}>
                    <b>{id}</b>
                    <span>
                      {operator}: {error?.message ?? 'no error is known'}
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </article>
  )
}
