import { describe, expect, it } from 'vitest'
import { presign } from './presign.ts'

/** Of the example in the documentation of Signature Version 4 for S3 ("Authenticating Requests: Using Query Parameters"). */
const example = {
  endpoint: 'https://examplebucket.s3.amazonaws.com',
  region: 'us-east-1',
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  path: '/test.txt',
  seconds: 86_400,
  now: new Date('2013-05-24T00:00:00Z'),
}

describe('a presigned URL', () => {
  it('has the signature of the example in the specification', () => {
    expect(presign(example).searchParams.get('X-Amz-Signature')).toBe('aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404')
  })

  it('says by whom, when and for how long', () => {
    const { searchParams } = presign(example)
    expect(searchParams.get('X-Amz-Credential')).toBe('AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request')
    expect(searchParams.get('X-Amz-Date')).toBe('20130524T000000Z')
    expect(searchParams.get('X-Amz-Expires')).toBe('86400')
  })

  it('is another one for another object', () => {
    const signature = (path: string) => presign({ ...example, path }).searchParams.get('X-Amz-Signature')
    expect(signature('/a')).not.toBe(signature('/b'))
  })
})
