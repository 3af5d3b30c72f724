import { link } from '../core/router.ts'
import { site } from '../core/site-state.ts'
import { Loading } from '../parts/state.tsx'
import { StoresView } from './stores-view.tsx'

/** The stores of all applications. */
export function StoreOverview() {
  if (!site.value) return <Loading />
  return (
    <>
      <header class="head">
        <h1>Stores</h1>
        <p>What the applications know, as of their last commit.</p>
      </header>
      {site.value.applications.map(({ applicationId, title }) => (
        <section key={applicationId}>
          <h2 class="section">
            <a href={link(['app', applicationId])}>{title}</a>
          </h2>
          <StoresView applicationId={applicationId} />
        </section>
      ))}
    </>
  )
}
