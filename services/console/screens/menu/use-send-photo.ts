import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { sendForm } from '../../api/send-form.ts'
import { isBelow } from '../../api/use-api.ts'

interface SendPhoto {
  readonly send: (file: File) => void
  /** Percent; null when nothing is on its way. */
  readonly sent: number | null
  readonly error: unknown
}

export function useSendPhoto(dishId: string): SendPhoto {
  const client = useQueryClient()
  const [sent, setSent] = useState<number | null>(null)
  const [error, setError] = useState<unknown>(null)
  const send = (file: File) => {
    const form = new FormData()
    form.set('photo', file, file.name)
    setSent(0)
    setError(null)
    sendForm({ method: 'PUT', path: `/api/v1/dishes/${dishId}/photo`, form, onProgress: (part) => setSent(Math.round(part * 100)) })
      .catch(setError)
      .finally(() => {
        setSent(null)
        void client.invalidateQueries({ predicate: ({ queryKey }) => isBelow(queryKey, ['/api/v1/dishes']) })
      })
  }
  return { send, sent, error }
}
