import type { Metric } from './metric.ts'

const node = 'instrumentation-runtime-node'

export interface LibraryMetric {
  readonly name: string
  readonly type: Metric['type']
  readonly unit: string
  readonly of: string
  readonly from: string
  /** Those that somebody asks for. */
  readonly attributes: readonly string[]
}

/** What instrumentations record on their own, for the page and for the tests; all of it is of one process. */
export const libraryMetrics: readonly LibraryMetric[] = [
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((figure) => ({
    name: `nodejs.eventloop.delay.${figure}`,
    type: 'gauge' as const,
    unit: 's',
    of: 'How late the event loop was since the last export',
    from: node,
    attributes: [],
  })),
  {
    name: 'nodejs.eventloop.utilization',
    type: 'gauge',
    unit: '1',
    of: 'Share of the time that the event loop was busy',
    from: node,
    attributes: [],
  },
  {
    name: 'nodejs.eventloop.time',
    type: 'counter',
    unit: 's',
    of: 'Time by `nodejs.eventloop.state`: active, idle',
    from: node,
    attributes: ['nodejs.eventloop.state'],
  },
  { name: 'v8js.gc.duration', type: 'histogram', unit: 's', of: 'Pauses by `v8js.gc.type`', from: node, attributes: ['v8js.gc.type'] },
  ...['memory.heap.used', 'memory.heap.space.size', 'memory.heap.space.available_size', 'memory.heap.space.physical_size'].map(
    (figure) => ({
      name: `v8js.${figure}`,
      type: 'level' as const,
      unit: 'By',
      of: 'Heap by `v8js.heap.space.name`',
      from: node,
      attributes: ['v8js.heap.space.name'],
    }),
  ),
  {
    name: 'v8js.resource.active',
    type: 'gauge',
    unit: '{resource}',
    of: 'What keeps the process alive, by `v8js.resource.type`',
    from: node,
    attributes: ['v8js.resource.type'],
  },
  {
    name: 'http.client.request.duration',
    type: 'histogram',
    unit: 's',
    of: 'Requests that the process sends, by method, status and host; at most 300 series',
    from: 'instrumentation-http, instrumentation-undici',
    attributes: ['http.request.method', 'http.response.status_code', 'server.address'],
  },
  {
    name: 'db.client.operation.duration',
    type: 'histogram',
    unit: 's',
    of: 'Statements, by their first word and database; at most 300 series',
    from: 'instrumentation-pg',
    attributes: ['db.operation.name', 'db.namespace'],
  },
]
