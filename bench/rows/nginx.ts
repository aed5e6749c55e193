import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ensurePrograms, freePort } from '@slipway/stack'
import type { Target } from './requests.ts'

const patienceSeconds = 10

/**
 * One worker, as ours is one process, tuned for throughput: connections to the store are kept, and nothing is written to disk on the way.
 * It answers every request with what is at `url`.
 */
function configurationOf(folder: string, port: number, url: URL): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  return `worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  sendfile on;
  tcp_nopush on;
  upstream store { server ${url.host}; keepalive 32; }
  server {
    listen 127.0.0.1:${port};
    location / {
      set $object "${url.pathname}${url.search}";
      proxy_pass http://store$object;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host ${url.host};
      proxy_set_header Authorization "";
      proxy_buffers 16 64k;
      proxy_buffer_size 64k;
      proxy_max_temp_file_size 0;
    }
  }
}
`
}

/** nginx in front of a presigned URL. */
export async function startNginx(stack: AsyncDisposableStack, { home, url }: { home: string; url: URL }): Promise<Target> {
  const [program] = await ensurePrograms(['nginx'])
  const folder = join(home, 'nginx')
  await mkdir(folder)
  const port = await freePort()
  const configuration = join(folder, 'nginx.conf')
  await writeFile(configuration, configurationOf(folder, port, url))
  const isRoot = process.getuid?.() === 0
  const args = ['-p', folder, '-c', configuration, '-e', join(folder, 'error.log'), '-g', `daemon off;${isRoot ? ' user root;' : ''}`]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  stack.defer(async () => {
    child.kill('SIGTERM')
    await exited
  })
  await untilAnswered(port)
  return { port, pids: [child.pid ?? 0] }
}

async function untilAnswered(port: number): Promise<void> {
  for (const until = performance.now() + patienceSeconds * 1000; performance.now() < until; await delay(20)) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.ok) return
    if (answer) throw new Error(`nginx answers ${answer.status}`)
  }
  throw new Error(`nginx does not answer after ${patienceSeconds} s`)
}
