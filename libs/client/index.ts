export { ApiProblem } from './api-problem.ts'
export type { CallAnswer, CallInput, CallKey } from './call.ts'
export { type ApiClient, type ClientOptions, createClient, type TokenSource } from './client.ts'
