import { validateBytes } from 'gltf-validator'

/** Issues that say nothing of the file: the validator does not know the extensions of the web model, and core glTF has no WebP. */
const known = ['UNSUPPORTED_EXTENSION', 'IMAGE_UNRECOGNIZED_FORMAT']

/**
 * The Khronos validator's word on a GLB.
 * @throws {Error} naming the first faults, if there is an error among them
 */
export async function requireValid(glb: Uint8Array): Promise<void> {
  const { issues } = await validateBytes(glb, { maxIssues: 100, ignoredIssues: known })
  if (issues.numErrors === 0) return
  const faults = issues.messages.filter(({ severity }) => severity === 0).map(({ code, pointer }) => `${code} at ${pointer}`)
  throw new Error(`the model is not valid glTF: ${faults.slice(0, 3).join(', ')}`)
}
