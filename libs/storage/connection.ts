import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent } from 'node:https'
import { TLSSocket } from 'node:tls'
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { signChecksums } from './checksum.ts'
import { type Crowd, type CrowdOptions, createCrowd } from './crowd.ts'
import { type OperationEnd, tellOperations } from './operations.ts'
import { createPartPool, type PartPool } from './part-pool.ts'
import { type Silence, watchSilence } from './silence.ts'

export interface StorageOptions {
  /** S3 endpoint; without it AWS S3 of the region. */
  endpoint?: string | URL | null
  region: string
  /** Without both keys the SDK's default chain is used: IRSA, workload identity, instance role. */
  accessKey?: string | null
  secretKey?: string | null
  /** Bucket in the path instead of in the host name. */
  pathStyle: boolean
  /** First part of every bucket name. */
  bucketPrefix: string
  /** PEM bundle that signed the certificate of the endpoint. */
  caFile?: string | null
  /** When an upload makes room for those who wait, and who is told of it. */
  crowd?: CrowdOptions | undefined
  /** Told of every operation, for metrics. */
  onOperation?: ((operation: OperationEnd) => void) | undefined
  /** Told of every new connection over TLS, for metrics. */
  onSecure?: ((socket: TLSSocket) => void) | undefined
}

/** What the modules of this package share; it never leaves the package, because with a client one could write anywhere. */
export interface Connection {
  readonly client: S3Client
  /** The bucket's name in the store. */
  readonly bucket: (name: string) => string
  readonly parts: PartPool
  readonly crowd: Crowd
}

/** Where uploads wait for their verdict. Nothing reads from it but the gate. */
export const quarantineBucket = 'quarantine'

const connectMilliseconds = 5000
/** Silence on a connection, also of a reader who stopped reading, after which it is closed. */
const idleMilliseconds = 60_000
/** How long a store is waited for, in milliseconds. */
interface Patience {
  /** From a request to the beginning of its answer: enough for the bytes of a part. */
  readonly answer: number
  /** Between two looks at a store that has not answered a request. */
  readonly look: number
  /** For an answer to any of these, until it is taken for silent and everybody is sent away. */
  readonly silence: number
}

const usualPatience: Patience = { answer: 8000, look: 1000, silence: 2000 }

/** Every download holds a connection for as long as its reader takes, and must not keep uploads waiting. */
const maxSockets = 1024

interface ConnectOptions {
  /** The bucket that is asked for when it is in doubt whether the store is there. */
  readonly home?: string
  readonly patience?: Partial<Patience>
}

export function connect(options: StorageOptions, { home = quarantineBucket, ...more }: ConnectOptions = {}): Connection {
  const { endpoint, region, accessKey, secretKey, pathStyle, bucketPrefix, caFile } = options
  const patience = { ...usualPatience, ...more.patience }
  const trust = caFile ? { ca: readFileSync(caFile) } : {}
  const agent = { keepAlive: true, maxSockets }
  const place = { region, forcePathStyle: pathStyle, ...(endpoint ? { endpoint: String(endpoint) } : {}) }
  const timeouts = { connectionTimeout: connectMilliseconds, socketTimeout: idleMilliseconds, throwOnRequestTimeout: true }
  const client = new S3Client({
    ...place,
    maxAttempts: 3,
    retryMode: 'standard',
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      ...timeouts,
      httpAgent: new HttpAgent(agent),
      httpsAgent: secureAgent({ ...agent, ...trust }, options.onSecure),
    },
    ...(accessKey && secretKey ? { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } } : {}),
  })
  // With connections of its own: those of the client may all be taken, or all be dead.
  const scout = new S3Client({
    ...place,
    credentials: client.config.credentials,
    maxAttempts: 1,
    requestHandler: { ...timeouts, requestTimeout: patience.answer, httpAgent: new HttpAgent(), httpsAgent: new HttpsAgent(trust) },
  })
  const bucket = (name: string) => `${bucketPrefix}${name}`
  const { look: interval, silence } = patience
  limitSilence(client, {
    silence: watchSilence({ look: () => lookFor(scout, bucket(home)), interval, patience: silence }),
    milliseconds: patience.answer,
  })
  signChecksums(client)
  if (options.onOperation) tellOperations(client, options.onOperation)
  const crowd = createCrowd(options.crowd)
  return { client, bucket, parts: createPartPool(crowd), crowd }
}

/** A connection that resumes an earlier session is not shown the certificate of now, hence every one that is told of makes its own. */
function secureAgent(options: AgentOptions, tell: StorageOptions['onSecure']): HttpsAgent {
  if (!tell) return new HttpsAgent(options)
  const agent = new HttpsAgent({ ...options, maxCachedSessions: 0 })
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (...call) => {
    const socket = create(...call)
    if (socket instanceof TLSSocket) socket.once('secureConnect', () => tell(socket))
    return socket
  }
  return agent
}

interface Limits {
  readonly silence: Silence
  readonly milliseconds: number
}

/**
 * A store that hangs must not hold clients for minutes: what had no answer in time is tried again only if the store is there, and meanwhile
 * nobody else waits for it. What it does on its own with whole objects, copies, putting parts together and removing many, takes as long as it
 * takes, and its answer says nothing of others.
 */
function limitSilence({ config: { requestHandler } }: S3Client, { silence, milliseconds }: Limits): void {
  const handle = requestHandler.handle.bind(requestHandler)
  const destroy = requestHandler.destroy?.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const signal = options && 'abortSignal' in options ? options.abortSignal : undefined
    await silence.over(signal instanceof AbortSignal ? signal : undefined)
    // Of what is posted, only the beginning of an upload in parts is quick.
    const isLong = 'x-amz-copy-source' in request.headers || (request.method === 'POST' && !('uploads' in request.query))
    try {
      const answer = await handle(request, { ...options, requestTimeout: isLong ? 0 : milliseconds })
      if (!isLong) silence.heard()
      return answer
    } catch (error) {
      if (isSilence(error)) silence.suspect()
      throw error
    }
  }
  requestHandler.destroy = () => {
    silence.stop()
    destroy?.()
  }
}

/** Any answer says that the store is there; one that cannot be reached at all, or breaks connections, tells everybody so at once. */
async function lookFor(client: S3Client, bucket: string): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }))
  } catch (error) {
    if (isSilence(error)) throw error
  }
}

/** The client gives the name of its timeouts to broken connections too. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError' && (!('code' in error) || error.code === 'ETIMEDOUT')
}
