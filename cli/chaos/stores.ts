import { resolve } from 'node:path'
import {
  type ClamdPart,
  freePorts,
  type MailPart,
  type Part,
  type PostgresPart,
  type RedisPart,
  type SeaweedPart,
  startClamd,
  startMailCatcher,
  startPostgres,
  startRedis,
  startSeaweed,
} from '@slipway/stack'
import type { Stores } from '../environment.ts'
import { type ClamdWay, openClamdWay } from './clamd-way.ts'
import { openS3Way, type S3Way } from './s3-way.ts'

/** A store that is killed, stopped and started again, always on the same port with the same data. */
export interface Store<P extends Part> {
  readonly part: P
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
}

/** The stores of a run, with ways to clamd and S3 on which things may happen. */
export interface ChaosStores extends AsyncDisposable {
  readonly postgres: Store<PostgresPart>
  readonly redis: Store<RedisPart>
  readonly clamd: Store<ClamdPart>
  readonly seaweed: Store<SeaweedPart>
  readonly mail: MailPart
  readonly clamdWay: ClamdWay
  readonly s3Way: S3Way
  /** Where clamd keeps what it is sent. */
  readonly spool: string
  /** As processes see them: by the ways. */
  readonly seen: Stores
  /** As they are. */
  readonly direct: Stores
}

export async function startStores(home: string, maxFileBytes: number): Promise<ChaosStores> {
  await using stack = new AsyncDisposableStack()
  const [postgresPort = 0, redisPort = 0, clamdPort = 0, s3Port = 0] = await freePorts(4)
  const [postgres, redis, clamd, seaweed, mail] = await Promise.all([
    keptStore(stack, () => startPostgres({ home, port: postgresPort })),
    keptStore(stack, () => startRedis({ home, port: redisPort })),
    keptStore(stack, () => startClamd({ home, port: clamdPort, maxFileBytes, signatures: 'test' })),
    keptStore(stack, () => startSeaweed({ home, port: s3Port, durable: false })),
    startMailCatcher({ home }).then((part) => stack.use(part)),
  ])
  const clamdWay = stack.use(await openClamdWay(clamdPort))
  const s3Way = stack.use(await openS3Way({ port: s3Port }))
  const { endpoint, region, accessKey, secretKey } = seaweed.part
  const direct: Stores = {
    postgres: { adminUrl: postgres.part.adminUrl },
    redis: { url: redis.part.url },
    scanner: { host: '127.0.0.1', port: clamdPort },
    storage: { endpoint, region, accessKey, secretKey },
    mail: { smtpUrl: mail.smtpUrl },
  }
  const seen = {
    ...direct,
    scanner: { host: '127.0.0.1', port: clamdWay.port },
    storage: { ...direct.storage, endpoint: s3Way.endpoint },
  }
  const owned = stack.move()
  const spool = resolve(home, 'clamd', 'tmp')
  const parts = { postgres, redis, clamd, seaweed, mail, clamdWay, s3Way, spool, seen, direct }
  return { ...parts, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function keptStore<P extends Part>(stack: AsyncDisposableStack, begin: () => Promise<P>): Promise<Store<P>> {
  let part = await begin()
  stack.defer(() => part.stop())
  return {
    get part() {
      return part
    },
    async start() {
      part = await begin()
    },
    stop: () => part.stop(),
    async kill() {
      process.kill(part.pid, 'SIGKILL')
      await part.exited
      await part.stop()
    },
  }
}
