import type { Fault } from './fault.ts'

export const redisFaults = {
  'redis.unreachable': {
    level: 'fail',
    title: 'Redis does not answer at its address',
    why: 'jobs wait, sessions and limits do not work',
    fix: 'see that Redis runs, and that {REDIS_URL} names its host and port',
  },
  'redis.password': {
    level: 'fail',
    title: 'wrong password or user',
    why: 'jobs wait, sessions and limits do not work',
    fix: 'set {REDIS_PASSWORD} (and {REDIS_USER}, if it has users) to what the server knows',
  },
  'redis.certificate': {
    level: 'fail',
    title: 'certificate not signed by the authority that is trusted (wrong CA), or for another name',
    why: 'no process connects to a server that cannot prove who it is',
    fix: 'set {REDIS_CA_FILE} to the authority that signed the certificate of Redis, and {REDIS_URL} to a name in it',
  },
  'redis.tls': {
    level: 'fail',
    title: 'one side speaks TLS and the other does not',
    why: 'no connection comes about',
    fix: 'begin {REDIS_URL} with rediss:// for TLS, with redis:// without',
  },
  'redis.eviction': {
    level: 'fail',
    title: 'evicting policy',
    why: 'jobs and sessions vanish when memory is short',
    fix: 'set maxmemory-policy to noeviction: `redis-cli config set maxmemory-policy noeviction`, and in its configuration',
  },
  'redis.append-only': {
    level: 'warn',
    title: 'no append-only file',
    why: 'after a restart jobs come back from Postgres only, sessions not at all',
    fix: 'set appendonly to yes: `redis-cli config set appendonly yes`, and in its configuration',
  },
  'redis.writes': {
    level: 'fail',
    title: 'Redis cannot write its files (full disk)',
    why: 'it takes no more jobs until it can',
    fix: 'free or enlarge the disk of Redis ({redis-disk})',
  },
  'redis.memory': {
    level: 'warn',
    title: 'memory nearly used up',
    why: 'beyond maxmemory no job is taken',
    fix: 'raise maxmemory ({redis-memory}), or find what fills it: `redis-cli --bigkeys`',
  },
  'redis.clock': {
    level: 'fail',
    title: 'the clock of Redis differs',
    why: 'delayed jobs and limits run by times of both',
    fix: 'run NTP (chrony) on both machines: on this one, and on that of Redis',
  },
  'redis.shared': {
    level: 'fail',
    title: 'two releases share a key prefix',
    why: 'each takes the jobs of the other and fails them',
    fix: 'give each release another {REDIS_KEY_PREFIX}; if the database of this one moved, delete the key that the finding names',
  },
  'redis.queues': {
    level: 'fail',
    title: 'a job does not come back from a queue',
    why: 'nothing is done in the background',
    fix: 'see that the user of Redis may run all commands, Lua and Pub/Sub too, and that no proxy is between',
  },
} as const satisfies Record<string, Fault>
