import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { freePorts } from '@slipway/stack'
import { testDatabase, testStorage } from '@slipway/testing'
import { describe, expect, test } from 'vitest'
import { slipway, start } from '../command.fixtures.ts'
import { temporaryFolder } from '../folders.fixtures.ts'
import { poll } from '../supervisor/poll.ts'

/** Commands for installations in containers, as the images run them. */
describe('slipway mail', () => {
  test('takes mails, shows them, and ends when it is told to', async () => {
    const [http = 0, smtp = 0] = await freePorts(2)
    const command = start(['mail', '--port', String(http), '--smtp-port', String(smtp)])
    await poll(() => (command.printed().includes('delivered nowhere') ? true : null), { within: 20_000 })
    await send(smtp, 'To: a@example.com\r\nSubject: Hello\r\n\r\nA mail.')
    const { items } = (await (await fetch(`http://127.0.0.1:${http}/dev/mail`)).json()) as { items: { subject: string; to: string[] }[] }
    expect(items).toMatchObject([{ subject: 'Hello', to: ['a@example.com'] }])
    command.child.kill('SIGTERM')
    expect(await command.result).toMatchObject({ code: 0 })
  })

  test('says which port is none', async () => {
    expect(await slipway('mail', '--smtp-port', '25x')).toMatchObject({ code: 2, output: expect.stringContaining('--smtp-port is "25x"') })
  })
})

/** The least of SMTP that delivers a mail (RFC 5321). */
async function send(port: number, text: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const answers = socket[Symbol.asyncIterator]()
  await answers.next()
  for (const line of ['EHLO test', 'MAIL FROM:<b@example.com>', 'RCPT TO:<a@example.com>', 'DATA', `${text}\r\n.`, 'QUIT']) {
    socket.write(`${line}\r\n`)
    const { value } = await answers.next()
    if (!/^[23]/.test(String(value))) throw new Error(`${line}: ${value}`)
  }
  socket.destroy()
}

describe('slipway demo', () => {
  test.each([[[]], [['--url', 'nowhere']]])('needs to know where: %j', async (args) => {
    expect(await slipway('demo', ...args)).toMatchObject({ code: 2, output: expect.stringContaining('slipway demo --url URL') })
  })
})

describe('slipway migrate --wait', () => {
  const environment = async (port: number) => {
    await using storage = await testStorage()
    const { endpoint, region, accessKey, secretKey } = storage.config
    return {
      DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/slipway`,
      REDIS_URL: 'redis://127.0.0.1:1',
      S3_ENDPOINT: endpoint ?? '',
      S3_REGION: region,
      S3_ACCESS_KEY: accessKey ?? '',
      S3_SECRET_KEY: secretKey ?? '',
      S3_BUCKET_PREFIX: storage.bucketPrefix,
      ...Object.fromEntries(
        ['IDENTITY', 'FILES', 'MENU'].flatMap((name) => [
          // Roles are of the whole server: as all tests have them.
          [`${name}_DB_RUNTIME_PASSWORD`, 'test-runtime'],
          [`${name}_DB_SYSTEM_PASSWORD`, 'test-system'],
          [`${name}_DB_OWNER_PASSWORD`, 'test-owner'],
        ]),
      ),
    }
  }

  test('begins when the database answers, although it was started before it', async () => {
    await using database = await testDatabase()
    const { hostname, port, username, password, pathname } = new URL(database.adminUrl)
    const [front = 0] = await freePorts(1)
    const migrating = start(['migrate', '--wait', '50', '--home', temporaryFolder()], {
      environment: {
        ...(await environment(front)),
        DATABASE_URL: `postgres://127.0.0.1:${front}${pathname}`,
        DATABASE_ADMIN_USER: username,
        DATABASE_ADMIN_PASSWORD: decodeURIComponent(password),
      },
    })
    await once(migrating.child, 'spawn')
    const server = createServer((socket) => {
      const behind = connect(Number(port), hostname)
      socket.pipe(behind).pipe(socket)
      for (const end of [socket, behind]) end.on('error', () => undefined)
    })
    server.listen(front, '127.0.0.1')
    const { code, output } = await migrating.result
    expect(output).toMatch(/applied files/)
    expect(output).toMatch(/made bucket .*dish-images/)
    expect(code).toBe(0)
    await new Promise((resolve) => server.close(resolve))
  })

  test('early, it brings the schema and nothing else, so that an upgrade finds it done', async () => {
    await using database = await testDatabase()
    const { port, pathname, username, password } = new URL(database.adminUrl)
    const variables = {
      ...(await environment(Number(port))),
      DATABASE_URL: `postgres://127.0.0.1:${port}${pathname}`,
      DATABASE_ADMIN_USER: username,
      DATABASE_ADMIN_PASSWORD: decodeURIComponent(password),
      S3_ENDPOINT: 'http://127.0.0.1:1',
    }
    const early = () => start(['migrate', '--early', '--home', temporaryFolder()], { environment: variables }).result
    expect(await early()).toMatchObject({ code: 0, output: expect.stringMatching(/applied files[^]*applied menu/) })
    expect(await early()).toMatchObject({ code: 0, output: expect.not.stringMatching(/applied/) })
  })

  test('early, it leaves a database that does not answer to the upgrade', async () => {
    const [port = 0] = await freePorts(1)
    const early = await start(['migrate', '--early', '--home', temporaryFolder()], { environment: await environment(port) }).result
    expect(early).toMatchObject({ code: 0, output: expect.stringMatching(/left to the migration that follows: .*ECONNREFUSED/) })
  })

  test('gives up in the end, with what it was told last', async () => {
    const [port = 0] = await freePorts(1)
    const refused = await start(['migrate', '--wait', '1', '--home', temporaryFolder()], { environment: await environment(port) }).result
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringMatching(/Waiting for the stores: .*ECONNREFUSED[^]*did not answer within 1 s; the last was: .*ECONNREFUSED/),
    })
  })
})
