import { z } from 'zod'

/** A moment of ISO 8601 that Postgres can hold: it does not have the year 0. */
export const Moment = z.iso.datetime().refine((text) => !text.startsWith('0000'), 'must be after the year 0')

/** What Postgres can hold and people can read: no control, format or private characters, so no NUL either. */
export const Text = z.string().regex(/^[^\p{C}]*$/u, 'must not contain control characters')
