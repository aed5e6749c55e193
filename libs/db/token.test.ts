import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { clientConfig } from './settings.ts'
import { awsTokens, type SignIn, TokenError } from './token.ts'

const signIn: SignIn = { host: 'db.example.com', port: 5432, user: 'slipway_files_runtime' }

/** Nothing of the machine's own identity, and no search for one in a network. */
beforeEach(() => {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_REGION', 'AWS_ROLE_ARN']
  for (const name of [...names, 'AWS_WEB_IDENTITY_TOKEN_FILE']) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
  return () => vi.unstubAllEnvs()
})

function withKeys(): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
}

const query = (token: string) => Object.fromEntries(new URL(`https://${token}`).searchParams)

describe('a token of RDS', () => {
  it('is signed for one role at one server, for 15 minutes', async () => {
    withKeys()
    const token = await awsTokens({ region: 'eu-central-1' })(signIn)
    expect(token).toMatch(/^db\.example\.com:5432\/\?/)
    expect(query(token)).toMatchObject({ Action: 'connect', DBUser: 'slipway_files_runtime', 'X-Amz-Expires': '900' })
    expect(query(token)['X-Amz-Credential']).toMatch(/^AKIDEXAMPLE\/\d{8}\/eu-central-1\/rds-db\/aws4_request$/)
    expect(query(token)['X-Amz-Signature']).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is another one for another role or server', async () => {
    withKeys()
    const tokens = awsTokens({ region: 'eu-central-1' })
    const signatures = await Promise.all(
      [signIn, { ...signIn, user: 'slipway_files_system' }, { ...signIn, port: 5433 }].map(async (each) => query(await tokens(each))),
    )
    expect(new Set(signatures.map((each) => each['X-Amz-Signature'])).size).toBe(3)
  })

  it('is for the region of the pod unless another one is named', async () => {
    withKeys()
    vi.stubEnv('AWS_REGION', 'us-west-2')
    expect(query(await awsTokens()(signIn))['X-Amz-Credential']).toContain('/us-west-2/')
    expect(query(await awsTokens({ region: 'eu-west-1' })(signIn))['X-Amz-Credential']).toContain('/eu-west-1/')
  })

  it('is signed as the role that the pod may take on, which is asked for once', async () => {
    await using sts = await fakeSts()
    const file = join(tmpdir(), `slipway-token-${process.pid}`)
    writeFileSync(file, 'token of the service account')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file)
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/slipway')
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
    vi.stubEnv('AWS_REGION', 'eu-central-1')
    const tokens = awsTokens()
    for (let connection = 0; connection < 3; connection++) {
      const parameters = query(await tokens(signIn))
      expect(parameters['X-Amz-Credential']).toMatch(/^ASIAEXAMPLE\//)
      expect(parameters['X-Amz-Security-Token']).toBe('session')
    }
    expect(sts.asked.map((body) => new URLSearchParams(body).get('WebIdentityToken'))).toEqual(['token of the service account'])
  })
})

describe('signing in by token', () => {
  const url = 'postgres://ignored:ignored@db.example.com:6432/slipway'

  it('asks for each connection, for its own role', async () => {
    const asked: SignIn[] = []
    const tokens = async (each: SignIn) => `token ${asked.push(each)}`
    const { password, user } = clientConfig({ url, role: { user: 'slipway_files_system' }, tokens })
    if (typeof password !== 'function') throw new Error('there is no function to ask')
    expect([await password(), await password()]).toEqual(['token 1', 'token 2'])
    expect(asked[0]).toEqual({ host: 'db.example.com', port: 6432, user })
    expect(user).toBe('slipway_files_system')
  })

  it('says who could not get a token, and why', async () => {
    const { password } = clientConfig({ url, role: { user: 'r' }, tokens: awsTokens({ region: 'eu-central-1' }) })
    if (typeof password !== 'function') throw new Error('there is no function to ask')
    await expect(async () => password()).rejects.toThrow(TokenError)
    await expect(async () => password()).rejects.toThrow(/^no token for r at db\.example\.com: .*credentials/i)
  })
})

/** Gives a session to whoever asks, as AWS does to a pod with a service account that it knows. */
async function fakeSts() {
  const asked: string[] = []
  const answer = () => {
    const expiration = new Date(Date.now() + 3_600_000).toISOString()
    return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
      <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/slipway/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>
      <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>
      <Expiration>${expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    asked.push(await text(request))
    response.writeHead(200, { 'content-type': 'text/xml' }).end(answer())
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
