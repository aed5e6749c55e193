export const stores = ['postgresql', 'redis', 'objectStorage', 'clamav'] as const
export type Store = (typeof stores)[number]
/** Name of its component in the chart. */
export const component = { postgresql: 'postgresql', redis: 'redis', objectStorage: 'object-storage', clamav: 'clamav' } as const

/** Each store as one of others. */
const managed: Record<Store, object> = {
  postgresql: {
    managed: true,
    connection: { host: 'db.example.com', port: 6432, ca: { secret: 'db-ca' }, existingSecret: { name: 'db' }, cidrs: ['10.1.0.0/16'] },
  },
  redis: {
    managed: true,
    connection: {
      host: 'cache.example.com',
      port: 6380,
      ca: { secret: 'cache-ca' },
      existingSecret: { name: 'cache' },
      cidrs: ['10.2.0.0/16'],
    },
  },
  objectStorage: {
    managed: true,
    connection: {
      endpoint: 'https://s3.example.com:9443',
      port: 9443,
      ca: { secret: 's3-ca' },
      existingSecret: { name: 's3' },
      cidrs: ['10.3.0.0/16'],
    },
  },
  clamav: { managed: true, connection: { host: 'scan.example.com', port: 3311, cidrs: ['10.4.0.0/16'] } },
}

/** All 16 of what may run in the cluster and what may not. */
export const managedMixes = Array.from({ length: 16 }, (_, bits) => stores.filter((_, index) => bits & (1 << index))).map((mix) => ({
  name: mix.join(', ') || 'none',
  mix,
  values: Object.fromEntries(mix.map((store) => [store, managed[store]])),
}))
