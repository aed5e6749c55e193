import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { namedValues } from '../../cli/doctor/fix.ts'
import { chart, ofKind, podsOf, render } from './chart.fixtures.ts'

function variablesOf(objects: ReturnType<typeof render>) {
  const [pod] = podsOf(objects).filter(({ component }) => component === 'doctor')
  const container = pod?.containers.find(({ name }) => name === 'doctor')
  return new Map((container?.env ?? []).map((variable) => [variable.name, variable] as const))
}

describe('the doctor of a release', () => {
  test('knows what identity, the edge and uploads should be', () => {
    const services = { files: { env: { FILES_MAX_BYTES: 1048576 } } }
    const variables = variablesOf(render({ publicUrl: 'https://shop.example.com', services }))
    expect(variables.get('SLIPWAY_PUBLIC_URL')?.value).toBe('https://shop.example.com')
    expect(variables.get('SLIPWAY_ENV')?.value).toBe('production')
    expect(variables.get('SLIPWAY_IDENTITY_URL')?.value).toBe('http://shop-slipway-identity-api:8081')
    expect(variables.get('FILES_MAX_BYTES')?.value).toBe('1048576')
    expect(variables.has('MENU_PHOTO_BYTES')).toBe(false)
  })

  test('starts without the credential of the command, which Secrets of others may not have', () => {
    const credential = variablesOf(render()).get('SLIPWAY_SERVICE_CREDENTIAL')
    expect(credential?.valueFrom?.secretKeyRef).toEqual({ name: 'shop-slipway-secrets', key: 'CLI_CREDENTIAL', optional: true })
  })

  test.each([
    ['https://shop.example.com', 443],
    ['https://shop.example.com:8443', 8443],
  ])('may go the way of clients, to %s', (publicUrl, port) => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'edge' } } }]
    const objects = render({ publicUrl, networkPolicies: { enabled: true, from } })
    const policy = ofKind(objects, 'NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-slipway-doctor-to-edge')
    expect(policy?.spec.podSelector.matchLabels).toMatchObject({ 'app.kubernetes.io/component': 'doctor' })
    expect(policy?.spec.egress).toEqual([{ to: from }, { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port, protocol: 'TCP' }] }])
  })

  test('has no policy where there are none', () => {
    const names = ofKind(render({ networkPolicies: { enabled: false } }), 'NetworkPolicy').map(({ metadata }) => metadata.name)
    expect(names).toEqual([])
  })
})

test.each(namedValues())('a fix names %s, which is a value of the chart', (path) => {
  const values: unknown = parse(readFileSync(`${chart}/values.yaml`, 'utf8'))
  const found = path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], values)
  expect(found).not.toBeUndefined()
})
