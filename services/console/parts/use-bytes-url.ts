import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { fetchBytes } from '../api/runtime.ts'

/** Freed as soon as it is not shown any more. */
export function useObjectUrl(blob: Blob | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    if (blob === undefined) return setUrl(null)
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  return url
}

/** An address in this page for bytes that need the token. `version` names what is there now, so that a change is fetched anew. */
export function useBytesUrl(path: string | null, version: string): { url: string | null; error: unknown } {
  const bytes = useQuery({
    queryKey: ['bytes', path, version],
    queryFn: ({ signal }) => fetchBytes(path ?? '', signal),
    enabled: path !== null,
    staleTime: Number.POSITIVE_INFINITY,
  })
  return { url: useObjectUrl(path === null ? undefined : bytes.data), error: bytes.error }
}
