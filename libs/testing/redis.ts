import { type RedisPart, removeHome, startRedis } from '@slipway/stack'
import { runFolder } from './run-folder.ts'

export interface TestRedis extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** The running server: tests of outages stop it. */
  readonly part: RedisPart
  /** Another server on the same port with the same password, after the first was stopped. Empty: nothing is kept. */
  restart(): Promise<void>
}

/** An own Redis, empty and in memory only. */
export async function testRedis(): Promise<TestRedis> {
  const home = await runFolder()
  let part = await startRedis({ home, appendOnly: false })
  return {
    url: part.url,
    port: part.port,
    get part() {
      return part
    },
    restart: async () => {
      await part.stop()
      part = await startRedis({ home, port: part.port, appendOnly: false })
    },
    [Symbol.asyncDispose]: async () => {
      await part.stop()
      await removeHome(home)
    },
  }
}
