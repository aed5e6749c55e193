/**
 * The EICAR test file (68 bytes): harmless, and by agreement found by every scanner. It is put together at run time so that no file of
 * this repository is taken for infected.
 */
export function eicar(): Buffer {
  const head = ['X5O!P%@AP[4', 'PZX54(P^)7CC)7}$'].join('\\')
  const name = ['EICAR', 'STANDARD', 'ANTIVIRUS', 'TEST', 'FILE!$H+H*'].join('-')
  return Buffer.from(head + name, 'ascii')
}
