const firstThatCountsHeld = { major: 14, minor: 8 }

/** From 14.8 on V8 counts what buffers hold, and knows no flag for it (https://issues.chromium.org/issues/361124432). */
export function countsAllocated(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < firstThatCountsHeld.major || (major === firstThatCountsHeld.major && minor < firstThatCountsHeld.minor)
}
