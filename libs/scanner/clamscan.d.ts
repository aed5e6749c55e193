/** The part of `clamscan` 2.4 that we use; it brings no types. */
declare module 'clamscan' {
  import type { Socket } from 'node:net'

  interface NodeClamOptions {
    clamdscan: {
      host: string
      port: number
      /** Milliseconds of silence on a socket. */
      timeout: number
      /** Null keeps it from running a local binary. */
      path: null
      /** Do not connect while initialising. */
      bypassTest: boolean
      /** Run a local binary when the socket fails. */
      localFallback: boolean
    }
    clamscan: {
      /** Whether a local binary may be used at all. */
      active: boolean
    }
    preference: 'clamdscan'
  }

  class NodeClam {
    init(options: NodeClamOptions): Promise<this>
    ping(): Promise<Socket>
    getVersion(): Promise<string>
    protected _initSocket(label?: string): Promise<Socket>
  }
  export default NodeClam
}
