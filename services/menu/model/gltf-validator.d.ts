/** The package has no types; this is the part of its interface that is used. */
declare module 'gltf-validator' {
  interface Message {
    readonly code: string
    readonly message: string
    /** 0 = error, 1 = warning, 2 = information, 3 = hint. */
    readonly severity: number
    readonly pointer?: string
  }
  interface Report {
    readonly issues: { readonly numErrors: number; readonly numWarnings: number; readonly messages: readonly Message[] }
  }
  export function validateBytes(data: Uint8Array, options?: { maxIssues?: number; ignoredIssues?: readonly string[] }): Promise<Report>
}
