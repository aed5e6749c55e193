import type { Fault } from './fault.ts'

export const storageFaults = {
  'storage.unreachable': {
    level: 'fail',
    title: 'object storage does not answer at its address',
    why: 'no file can be read or written',
    fix: 'see that it runs, and that {S3_ENDPOINT} is its address',
  },
  'storage.certificate': {
    level: 'fail',
    title: 'certificate not signed by the authority that is trusted (wrong CA), or for another name',
    why: 'no process connects to a server that cannot prove who it is',
    fix: 'set {S3_CA_FILE} to the authority that signed its certificate, and {S3_ENDPOINT} to a name in it',
  },
  'storage.tls': {
    level: 'fail',
    title: 'one side speaks TLS and the other does not',
    why: 'no connection comes about',
    fix: 'begin {S3_ENDPOINT} with https:// for TLS, with http:// without',
  },
  'storage.keys': {
    level: 'fail',
    title: 'wrong access key or secret key',
    why: 'no file can be read or written',
    fix: 'set {S3_ACCESS_KEY} and {S3_SECRET_KEY} to a pair that the store knows',
  },
  'storage.bucket': {
    level: 'fail',
    title: 'missing bucket',
    why: 'uploads to it fail',
    fix: 'run {migrate}, which makes buckets, or make it yourself and set {S3_CREATE_BUCKETS}=false; is {S3_BUCKET_PREFIX} right?',
  },
  'storage.denied': {
    level: 'fail',
    title: 'no right to read the bucket',
    why: 'no file can be read',
    fix: 'allow the identity of {S3_ACCESS_KEY} to list, get, put and delete in it; is {S3_BUCKET_PREFIX} yours?',
  },
  'content.lost': {
    level: 'fail',
    title: 'rows whose objects are missing or have another size (`--reconcile`)',
    why: 'this content cannot be read any more',
    fix: 'bring the objects back from a backup: slipway restore --only objects adds what is missing; see docs/operate/backup-and-restore.md',
  },
  'content.unknown': {
    level: 'warn',
    title: 'objects that no row knows (`--reconcile`)',
    why: 'nobody can read them, and they take space; the daily sweep removes them too',
    fix: 'remove them: slipway doctor --reconcile --repair',
  },
  'content.uploads': {
    level: 'warn',
    title: 'uploads in parts that nobody ends (`--reconcile`)',
    why: 'their parts take space that no listing shows',
    fix: 'end them: slipway doctor --reconcile --repair',
  },
  'storage.read-only': {
    level: 'fail',
    title: 'read-only bucket',
    why: 'every upload fails',
    fix: 'allow the identity of {S3_ACCESS_KEY} to put and delete objects in it',
  },
  'storage.region': {
    level: 'fail',
    title: 'bucket in another region',
    why: 'the store refuses every request',
    fix: 'set {S3_REGION} to the region that the finding names',
  },
  'storage.clock': {
    level: 'fail',
    title: 'the clock of object storage differs',
    why: 'S3 refuses requests that are signed 15 minutes beside its time',
    fix: 'run NTP (chrony) on both machines: on this one, and on that of the object storage',
  },
  'storage.conformance': {
    level: 'fail',
    title: 'it does not behave as S3 does',
    why: 'the scan gate counts on it',
    fix: 'use an engine that passes: SeaweedFS, AWS S3',
  },
  'storage.uploads': {
    level: 'warn',
    title: 'it lists open uploads by their whole key only',
    why: 'the sweeper cannot find what processes that died had begun to upload, which takes room as long as the store keeps it',
    fix: 'have the store remove incomplete uploads after a day, by a rule of its lifecycle; MinIO does so without one',
  },
} as const satisfies Record<string, Fault>
