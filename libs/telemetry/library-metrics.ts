const node = 'instrumentation-runtime-node'

/** What instrumentations record on their own, for the page and for the tests; all of it is of one process. */
export const libraryMetrics: readonly { name: string; type: string; unit: string; of: string; from: string }[] = [
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((figure) => ({
    name: `nodejs.eventloop.delay.${figure}`,
    type: 'gauge',
    unit: 's',
    of: 'How late the event loop was since the last export',
    from: node,
  })),
  { name: 'nodejs.eventloop.utilization', type: 'gauge', unit: '1', of: 'Share of the time that the event loop was busy', from: node },
  { name: 'nodejs.eventloop.time', type: 'counter', unit: 's', of: 'Time by `nodejs.eventloop.state`: active, idle', from: node },
  { name: 'v8js.gc.duration', type: 'histogram', unit: 's', of: 'Pauses by `v8js.gc.type`', from: node },
  ...['memory.heap.used', 'memory.heap.space.size', 'memory.heap.space.available_size', 'memory.heap.space.physical_size'].map(
    (figure) => ({
      name: `v8js.${figure}`,
      type: 'level',
      unit: 'By',
      of: 'Heap by `v8js.heap.space.name`',
      from: node,
    }),
  ),
  {
    name: 'v8js.resource.active',
    type: 'gauge',
    unit: '{resource}',
    of: 'What keeps the process alive, by `v8js.resource.type`',
    from: node,
  },
  {
    name: 'http.client.request.duration',
    type: 'histogram',
    unit: 's',
    of: 'Requests that the process sends, by method, status and host; at most 300 series',
    from: 'instrumentation-http, instrumentation-undici',
  },
  {
    name: 'db.client.operation.duration',
    type: 'histogram',
    unit: 's',
    of: 'Statements, by their first word and database; at most 300 series',
    from: 'instrumentation-pg',
  },
]
