import type { Socket } from 'node:net'
import { Transform } from 'node:stream'
import { join, openListener, reach, type Way } from './way.ts'

/**
 * What becomes of a scan on the way to clamd: `first` = the connection is cut before the first byte of content, `middle` = within the
 * content, `verdict` = after its last byte and before the answer; `lie` = all of it arrives, and whatever clamd says becomes "OK".
 */
export type ClamdManner = 'pass' | 'first' | 'middle' | 'verdict' | 'lie'

export interface ClamdWay extends Way {
  manner: ClamdManner
}

const scan = 'zINSTREAM\0'
/** Where `middle` cuts: beyond the first frame of a large file, within that of a small one. */
const middleBytes = 1024

export async function openClamdWay(port: number): Promise<ClamdWay> {
  const way = {
    manner: 'pass' as ClamdManner,
    ...(await openListener((client) => {
      void reach(port).then((onward) => (onward ? lead(client, onward, way.manner) : client.destroy()))
    })),
  }
  return way
}

function lead(client: Socket, onward: Socket, manner: ClamdManner): void {
  if (manner === 'pass') return join(client, onward)
  const cut = () => {
    client.resetAndDestroy()
    onward.destroy()
  }
  const watch = watchScan({
    onContent(bytes) {
      if (manner === 'first' || (manner === 'middle' && bytes > middleBytes)) cut()
    },
    onEnd() {
      if (manner === 'middle' || manner === 'verdict') cut()
    },
  })
  const answers = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, manner === 'lie' && watch.isScan() ? '' : chunk),
    flush: (done) => done(null, manner === 'lie' && watch.isScan() ? 'stream: OK\0' : ''),
  })
  for (const socket of [client, onward]) socket.once('close', cut)
  answers.on('error', () => undefined)
  client.on('data', (chunk: Buffer) => {
    watch.see(chunk)
    if (onward.writable) onward.write(chunk)
  })
  client.once('end', () => onward.end())
  onward.pipe(answers).pipe(client)
}

interface ScanEvents {
  /** Bytes of content so far. */
  readonly onContent: (bytes: number) => void
  readonly onEnd: () => void
}

/** Reads along: the command, then frames of a length in four bytes and so many bytes, the last of length zero (clamd(8), INSTREAM). */
export function watchScan({ onContent, onEnd }: ScanEvents) {
  let command = ''
  let header = Buffer.alloc(0)
  let left = 0
  let content = 0

  /** @returns what is left of the chunk */
  function frame(chunk: Buffer): Buffer {
    if (left > 0) {
      const taken = chunk.subarray(0, left)
      left -= taken.length
      content += taken.length
      onContent(content)
      return chunk.subarray(taken.length)
    }
    const missing = chunk.subarray(0, 4 - header.length)
    header = Buffer.concat([header, missing])
    if (header.length === 4) {
      left = header.readUInt32BE()
      header = Buffer.alloc(0)
      if (left === 0) onEnd()
    }
    return chunk.subarray(missing.length)
  }

  const isScan = () => command === scan
  return {
    isScan,
    see(chunk: Buffer): void {
      const of = chunk.subarray(0, scan.length - command.length)
      command += of.toString('latin1')
      let rest = chunk.subarray(of.length)
      while (isScan() && rest.length > 0) rest = frame(rest)
    },
  }
}
