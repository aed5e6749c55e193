import type { Fault } from './fault.ts'

export const clamdFaults = {
  'clamd.unreachable': {
    level: 'fail',
    title: 'clamd does not answer at its address',
    why: 'uploads are answered with 503',
    fix: 'see that clamd runs, and that {CLAMAV_HOST} and {CLAMAV_PORT} lead to it',
  },
  'clamd.signatures': {
    level: 'fail',
    title: 'clamd without (real) signatures',
    why: 'malware is not found; processes do not become ready unless test signatures are allowed',
    fix: 'run freshclam where it can reach its mirror ({freshclam}); for tests only: {CLAMAV_ALLOW_TEST_SIGNATURES}=true',
  },
  'clamd.stale': {
    level: 'warn',
    title: 'stale signatures: a warning after 3 days, a failure after 7',
    why: 'new malware is not found',
    fix: 'see the log of freshclam, and that it can reach its mirror ({freshclam})',
  },
  'clamd.stream-limit': {
    level: 'fail',
    title: 'StreamMaxLength below what may be uploaded',
    why: 'larger uploads are taken, and then refused as unscannable',
    fix: 'raise StreamMaxLength of clamd ({clamd-stream}), or lower {FILES_MAX_BYTES} and {MENU_PHOTO_BYTES}',
  },
  'clamd.file-limit': {
    level: 'fail',
    title: 'MaxFileSize or MaxScanSize below what processes were told, or below StreamMaxLength',
    why: 'clamd does not look at larger files; members of archives pass unseen',
    fix: 'set MaxFileSize and MaxScanSize of clamd and {CLAMAV_MAX_FILE_BYTES} to the same, and StreamMaxLength not above it',
  },
  'clamd.alerts': {
    level: 'fail',
    title: 'clamd does not tell when a limit kept it from looking',
    why: 'what it has not looked at is called clean',
    fix: 'set `AlertExceedsMax yes` (and `AlertEncrypted yes`) in clamd.conf',
  },
  'clamd.room': {
    level: 'warn',
    title: 'before ClamAV 1.5: uploads above half of MaxScanSize',
    why: 'clamd counts what follows bytes that look like an archive once more: some of these files are refused as unscannable by chance',
    fix: 'lower {FILES_MAX_BYTES} to half of {CLAMAV_MAX_FILE_BYTES}, or take ClamAV 1.5',
  },
  'clamd.disk': {
    level: 'fail',
    title: 'clamd cannot write its temporary files (full disk)',
    why: 'nothing can be scanned, and uploads fail',
    fix: 'free or enlarge the disk of TemporaryDirectory of clamd ({clamd-disk})',
  },
  'clamd.blind': {
    level: 'fail',
    title: 'the EICAR test file is not found',
    why: 'malware is not found either',
    fix: 'see that clamd has a signature database, and that {CLAMAV_HOST} and {CLAMAV_PORT} lead to it and to nothing else',
  },
} as const satisfies Record<string, Fault>
