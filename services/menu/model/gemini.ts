import { GoogleGenAI } from '@google/genai'
import { z } from 'zod'
import type { Ellipse } from './ellipse.ts'

/** Somebody else's look at a photo. It is a hint: the outline has to be seen in the photo, too. */
export interface OutlineProvider {
  /**
   * The plate in shares of the photo's width, or null if there is none.
   * @throws whatever keeps it from answering; the caller goes on without
   */
  find(jpeg: Uint8Array, signal: AbortSignal): Promise<Ellipse | null>
}

export interface GeminiSettings {
  readonly apiKey: string
  /** Names change several times a year, so it is configuration. */
  readonly model: string
  /** Null = Google's. */
  readonly baseUrl: string | null
  readonly seconds: number
}

const share = z.number().min(-1000).max(2000)
/** Only keywords that the API promises to understand. */
const Answer = z.object({
  plate: z
    .object({
      centerX: share,
      centerY: share,
      longHalfAxis: z.number().min(1).max(2000),
      shortHalfAxis: z.number().min(1).max(2000),
      angleDegrees: z.number(),
    })
    .nullable(),
})

const question = [
  'Find the rim of the one plate or bowl that holds the dish in this photo and describe it as an ellipse.',
  'All lengths and coordinates are in thousandths of the width of the photo, from its upper left corner; y grows downwards.',
  'angleDegrees turns the long half axis from the x axis towards the y axis.',
  'plate is null if there is no round plate or if its rim is not seen.',
].join(' ')

/** https://ai.google.dev/gemini-api/docs/structured-output; one try, since the local method is always there. */
export function createGeminiProvider({ apiKey, model, baseUrl, seconds }: GeminiSettings): OutlineProvider {
  const httpOptions = { timeout: seconds * 1000, retryOptions: { attempts: 1 }, ...(baseUrl === null ? {} : { baseUrl }) }
  const client = new GoogleGenAI({ apiKey, httpOptions })
  return {
    async find(jpeg, signal) {
      const photo = { inlineData: { mimeType: 'image/jpeg', data: Buffer.from(jpeg).toString('base64') } }
      const { text } = await client.models.generateContent({
        model,
        contents: [{ role: 'user', parts: [photo, { text: question }] }],
        config: { responseMimeType: 'application/json', responseJsonSchema: z.toJSONSchema(Answer), temperature: 0, abortSignal: signal },
      })
      const { plate } = Answer.parse(JSON.parse(text ?? ''))
      return plate && ellipseOf(plate)
    },
  }
}

function ellipseOf({
  centerX,
  centerY,
  longHalfAxis,
  shortHalfAxis,
  angleDegrees,
}: NonNullable<z.output<typeof Answer>['plate']>): Ellipse {
  const [a, b] = [Math.max(longHalfAxis, shortHalfAxis) / 1000, Math.min(longHalfAxis, shortHalfAxis) / 1000]
  return { x: centerX / 1000, y: centerY / 1000, a, b, angle: (angleDegrees * Math.PI) / 180 }
}
