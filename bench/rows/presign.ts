import { createHash, createHmac } from 'node:crypto'

export interface PresignOptions {
  readonly method?: 'GET' | 'PUT'
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  /** `/bucket/key`, of characters that need no escape. */
  readonly path: string
  readonly seconds: number
  readonly now?: Date
}

/** A URL with which anybody may GET (or PUT) one object for a while: AWS Signature Version 4, in the query. */
export function presign({ method = 'GET', endpoint, region, accessKey, secretKey, path, seconds, now = new Date() }: PresignOptions): URL {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const day = time.slice(0, 8)
  const scope = `${day}/${region}/s3/aws4_request`
  const url = new URL(path, endpoint)
  const query = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKey}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    'X-Amz-SignedHeaders': 'host',
  }
  const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const request = [method, path, text.join('&'), `host:${url.host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n')
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretKey}`)
  url.search = `${text.join('&')}&X-Amz-Signature=${hmac(key, toSign).toString('hex')}`
  return url
}
