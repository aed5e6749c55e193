import { Document, Logger, NodeIO } from '@gltf-transform/core'
import { EXTMeshoptCompression, EXTTextureWebP, KHRMeshQuantization } from '@gltf-transform/extensions'
import { meshopt, prune, simplify } from '@gltf-transform/functions'
import { MeshoptEncoder, MeshoptSimplifier } from 'meshoptimizer'
import type { Mesh } from './mesh.ts'

export interface Texture {
  readonly bytes: Uint8Array
  readonly type: 'image/jpeg' | 'image/webp'
}

/** Core glTF 2.0 and nothing else, which viewers of augmented reality need. */
export async function plainGlb(mesh: Mesh, uv: Float32Array, texture: Texture): Promise<Uint8Array> {
  return await new NodeIO().writeBinary(documentOf(mesh, uv, texture))
}

export interface WebGlb {
  readonly triangles: number
  /** Writes the file with this picture. */
  write(image: Uint8Array): Promise<Uint8Array>
}

/** Simplified and compressed once; the picture may then be chosen by what it leaves room for. */
export async function webGlb(mesh: Mesh, uv: Float32Array): Promise<WebGlb> {
  await Promise.all([MeshoptEncoder.ready, MeshoptSimplifier.ready])
  const document = documentOf(mesh, uv, { bytes: new Uint8Array(4), type: 'image/webp' })
  document.createExtension(EXTTextureWebP).setRequired(true)
  const smaller = simplify({ simplifier: MeshoptSimplifier, ratio: 0.45, error: 0.0015 })
  await document.transform(smaller, prune(), meshopt({ encoder: MeshoptEncoder, level: 'high' }))
  const [shape] = document.getRoot().listMeshes()
  const triangles = (shape?.listPrimitives()[0]?.getIndices()?.getCount() ?? 0) / 3
  const io = new NodeIO()
    .registerExtensions([EXTMeshoptCompression, EXTTextureWebP, KHRMeshQuantization])
    .registerDependencies({ 'meshopt.encoder': MeshoptEncoder })
  return {
    triangles,
    async write(image) {
      document.getRoot().listTextures()[0]?.setImage(image)
      return await io.writeBinary(document)
    },
  }
}

function documentOf(mesh: Mesh, uv: Float32Array, { bytes, type }: Texture): Document {
  const document = new Document().setLogger(new Logger(Logger.Verbosity.SILENT))
  document.getRoot().getAsset().generator = 'Slipway'
  const buffer = document.createBuffer()
  const accessor = (name: string, kind: 'VEC3' | 'VEC2' | 'SCALAR', array: Float32Array | Uint16Array) =>
    document
      .createAccessor(name)
      .setType(kind)
      .setArray(array as Float32Array<ArrayBuffer>)
      .setBuffer(buffer)
  const texture = document.createTexture('photo').setImage(bytes).setMimeType(type)
  const material = document.createMaterial('dish').setBaseColorTexture(texture).setMetallicFactor(0).setRoughnessFactor(0.6)
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('positions', 'VEC3', mesh.positions))
    .setAttribute('NORMAL', accessor('normals', 'VEC3', mesh.normals))
    .setAttribute('TEXCOORD_0', accessor('uv', 'VEC2', uv))
    .setIndices(accessor('indices', 'SCALAR', Uint16Array.from(mesh.indices)))
    .setMaterial(material)
  const node = document.createNode('dish').setMesh(document.createMesh('dish').addPrimitive(primitive))
  document.getRoot().setDefaultScene(document.createScene('dish').addChild(node))
  return document
}
