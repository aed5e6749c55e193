import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace'

/**
 * Takes out of spans what must not be kept: the values in query strings (sign-in links, signed URLs, searches), whose names stay, and
 * the results of jobs. As a processor it covers whatever instrumentation records them.
 */
export const withoutValues: SpanProcessor = {
  onStart(span: Span): void {
    rewrite(span, 'url.full', hideInUrl)
    rewrite(span, 'url.query', hideValues)
  },
  onEnding(span: Span): void {
    for (const { attributes } of span.events) delete attributes?.['bullmq.job.result']
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

function rewrite(span: Span, name: string, change: (value: string) => string): void {
  const value = span.attributes[name]
  if (typeof value === 'string') span.setAttribute(name, change(value))
}

/** `https://user:secret@host/path?token=abc` becomes `https://host/path?token=*`. */
export function hideInUrl(url: string): string {
  const [path = '', query] = url.replace(/^(\w+:\/\/)[^/?#]*@/, '$1').split('?', 2)
  return query === undefined ? path : `${path}?${hideValues(query)}`
}

/** `limit=5&token=abc` becomes `limit=*&token=*`; a leading question mark stays. */
export function hideValues(query: string): string {
  return query.replaceAll(/=[^&]*/g, '=*')
}
