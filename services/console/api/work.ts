import { createBulk } from './bulk.ts'
import { refreshInTurn } from './refresh.ts'
import { queries, session } from './runtime.ts'
import { sendBody } from './send-body.ts'
import { createUploads, isRunning, type Place } from './uploads.ts'

/** Work that goes on while people look at other screens. */

const inTurn = refreshInTurn(queries)
const refresh = (paths: readonly string[]) => void inTurn(paths)

export const uploads = createUploads({ place: placeOfSession, bearer: session.bearer, send: sendBody, refresh })
export const bulk = createBulk({ place: placeOfSession, refresh })

session.state.subscribe(() => {
  uploads.follow()
  bulk.follow()
})

function placeOfSession(): Place | null {
  const state = session.state.get()
  return state.status === 'in' && state.tenant ? { personId: state.person?.id ?? '', tenantId: state.tenant.id } : null
}

/** The browser asks whether to leave the page while something would be lost by it. */
window.addEventListener('beforeunload', (event) => {
  if (uploads.shown.get().some(isRunning) || bulk.shown.get()?.isRunning) event.preventDefault()
})
