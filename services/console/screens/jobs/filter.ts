export const jobStates = ['pending', 'waiting', 'active', 'retrying', 'completed', 'cancelled', 'failed', 'dead'] as const

export function queryOf(queue: string | undefined, state: string | undefined) {
  const known = jobStates.find((name) => name === state)
  return { ...(queue === undefined ? {} : { queue }), ...(known === undefined ? {} : { state: [known] }) }
}
