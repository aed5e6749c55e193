export const prefix = 'test:q'
/** Waits that production counts in seconds. */
export const quick = { lock: 1500, stalled: 300, grace: 200, postpone: 100, poll: 500, reconcile: 300, patience: 1000 }
