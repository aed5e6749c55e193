/** What came to its end, and when; only the last minutes are kept. */
export interface Meter {
  /** A request that got the answer it deserves. */
  done(milliseconds: number): void
  /** Answers of 503 on the way there. */
  refused(milliseconds: number): void
  /** Done per second over the last so many seconds, or since a moment that is nearer. */
  rate(seconds: number, since?: number): number
  /** As `rate`, of those only that were begun since a moment: what was held up until then is left out. */
  rateOfBegun(seconds: number, begunSince: number): number
  /** Of the 503s since then; 0 without any. */
  slowestRefusal(since: number): number
  /** Latency below which this share of the requests since then lies; 0 without any. */
  quantile(share: number, since: number): number
  now(): number
}

interface Mark {
  readonly at: number
  readonly milliseconds: number
}

const keptMilliseconds = 300_000

export function createMeter(now: () => number = () => performance.now()): Meter {
  const done: Mark[] = []
  const refused: Mark[] = []
  const put = (marks: Mark[], milliseconds: number) => {
    marks.push({ at: now(), milliseconds })
    while ((marks[0]?.at ?? 0) < now() - keptMilliseconds) marks.shift()
  }
  return {
    done: (milliseconds) => put(done, milliseconds),
    refused: (milliseconds) => put(refused, milliseconds),
    rate(seconds, since = Number.NEGATIVE_INFINITY) {
      const from = Math.max(now() - seconds * 1000, since)
      return done.filter(({ at }) => at >= from).length / Math.max((now() - from) / 1000, 0.001)
    },
    rateOfBegun: (seconds, begunSince) =>
      done.filter(({ at, milliseconds }) => at >= now() - seconds * 1000 && at - milliseconds >= begunSince).length / seconds,
    slowestRefusal: (since) => Math.max(0, ...refused.filter(({ at }) => at >= since).map(({ milliseconds }) => milliseconds)),
    quantile(share, since) {
      const sorted = done
        .filter(({ at }) => at >= since)
        .map(({ milliseconds }) => milliseconds)
        .toSorted((a, b) => a - b)
      return sorted[Math.min(Math.ceil(share * sorted.length), sorted.length) - 1] ?? 0
    },
    now,
  }
}
