import type { TLSSocket } from 'node:tls'
import { metricsAreOn, observe } from '@slipway/telemetry'

type Store = 'postgres' | 'redis' | 'storage'

/** Until when the certificates are valid that stores have shown. */
export interface Certificates extends Disposable {
  /** To be told of every new connection of a store over TLS; absent when nobody measures. */
  onSecure(store: Store): ((socket: TLSSocket) => void) | undefined
}

/** Nothing is asked of the stores: a renewed certificate is seen at the next connection that is needed anyway. */
export function observeCertificates(now: () => number): Certificates {
  const validTo = new Map<Store, number>()
  const observed = observe(['slipway.certificate.remaining'], (report) => {
    for (const [store, end] of validTo) report('slipway.certificate.remaining', (end - now()) / 1000, { 'slipway.store': store })
  })
  const see = (store: Store, socket: TLSSocket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate) validTo.set(store, certificate.validToDate.getTime())
  }
  return {
    onSecure: (store) => (metricsAreOn() ? (socket) => see(store, socket) : undefined),
    [Symbol.dispose]: () => observed[Symbol.dispose](),
  }
}
