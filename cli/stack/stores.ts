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
import type { Home } from '../home.ts'
import type { Running, Unit } from '../supervisor/unit.ts'

type StoreName = 'postgres' | 'redis' | 'clamd' | 'seaweed' | 'mail'

/** The stores as the units of a supervisor, and what they turned out to be once they run. */
export interface StoreUnits {
  readonly units: Readonly<Record<StoreName, Unit>>
  /** Each is there as soon as its store was started, and throws before. */
  readonly connections: Stores
  /** Which virus signatures are in use. */
  signatures(): ClamdPart['signatures']
  readonly mailPort: number
}

interface StoreOptions {
  home: Home
  /** Largest file that clamd takes. */
  maxFileBytes: number
  log: (line: string) => void
}

interface Parts {
  postgres?: PostgresPart
  redis?: RedisPart
  clamd?: ClamdPart
  seaweed?: SeaweedPart
  mail?: MailPart
}

/** Ports are chosen once: a store that is restarted comes back where its users look for it. */
export async function storeUnits({ home, maxFileBytes, log }: StoreOptions): Promise<StoreUnits> {
  const [postgres = 0, redis = 0, clamd = 0, seaweed = 0, smtp = 0, mail = 0] = await freePorts(6)
  const parts: Parts = {}
  const at = (port: number) => ({ home: home.folder, port, log })
  const units = {
    postgres: unit('postgres', postgres, async () => (parts.postgres = await startPostgres(at(postgres))), 'SIGINT'),
    redis: unit('redis', redis, async () => (parts.redis = await startRedis({ ...at(redis), appendOnly: true }))),
    clamd: unit('clamd', clamd, async () => (parts.clamd = await startClamd({ ...at(clamd), maxFileBytes }))),
    seaweed: unit('seaweed', seaweed, async () => (parts.seaweed = await startSeaweed(at(seaweed)))),
    mail: unit('mail', mail, async () => (parts.mail = await startMailCatcher({ smtpPort: smtp, httpPort: mail, home: home.folder }))),
  }
  return { units, mailPort: mail, connections: connectionsOf(parts), signatures: () => started('clamd', parts.clamd).signatures }
}

type StartPart = () => Promise<Part>

// oxlint-disable-next-line eslint/max-params -- a row of the table above
function unit(name: string, port: number, start: StartPart, stopSignal: NodeJS.Signals = 'SIGTERM'): Unit {
  return {
    name,
    kind: 'store',
    port,
    stopSignal,
    async start(_signal, spawned): Promise<Running> {
      const part = await start()
      spawned(part.pid)
      const stop = () => part.stop()
      // A store that is killed repairs itself at its next start, but an orderly stop takes no longer.
      return { pid: part.pid, exited: part.exited, stop, kill: stop }
    },
  }
}

function connectionsOf(parts: Parts): Stores {
  return {
    get postgres() {
      const { adminUrl } = started('postgres', parts.postgres)
      return { adminUrl }
    },
    get redis() {
      const { url } = started('redis', parts.redis)
      return { url }
    },
    get scanner() {
      const { host, port } = started('clamd', parts.clamd)
      return { host, port }
    },
    get storage() {
      const { endpoint, region, accessKey, secretKey } = started('seaweed', parts.seaweed)
      return { endpoint, region, accessKey, secretKey }
    },
    get mail() {
      const { smtpUrl } = started('mail', parts.mail)
      return { smtpUrl }
    },
  }
}

function started<T>(name: string, part: T | undefined): T {
  if (part === undefined) throw new TypeError(`${name} was not started yet`)
  return part
}
