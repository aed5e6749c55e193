/** Services whose processes and queues people look after here. */
export const serviceNames = ['identity', 'files', 'menu'] as const
export type ServiceName = (typeof serviceNames)[number]

export const serviceTitles: Readonly<Record<ServiceName, string>> = { identity: 'Identity', files: 'Files', menu: 'Menu' }
