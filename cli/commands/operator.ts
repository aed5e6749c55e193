import { platformVariables, processEnvironment, readConfig } from '@slipway/config'
import { textOption, unknownWord, usageFailure } from '../arguments.ts'
import { type Command, homeOptionOnly } from '../command.ts'
import { cliCredential } from '../environment.ts'
import { exitCodes, Failure } from '../failure.ts'
import { type Home, homeAt, homeOption } from '../home.ts'
import { StackSecrets } from '../secrets.ts'
import { ApiClient, ApiFailure } from '../stack/api-client.ts'
import { readConnections } from '../stack/connections.ts'
import { liveState } from '../supervisor/state.ts'

export const operator: Command = {
  usage: 'operator add <email> [--home DIR]',
  options: homeOptionOnly,
  words: [2, 2],
  async run(invocation) {
    const [verb = '', email = ''] = invocation.words
    if (verb !== 'add') throw unknownWord('argument of operator', verb, ['add'])
    const created = await add(identityOf(homeAt(textOption(invocation, 'home'))), email)
    console.log(`${email} is a platform operator now. A token says so when it is asked for with "operator": true.`)
    if (created) console.log('There was no account with this address: it was made, and its owner signs in by a link that comes by mail.')
    return exitCodes.ok
  },
}

/** Whether the account had to be made. */
async function add(identity: ApiClient, email: string): Promise<boolean> {
  try {
    return (await identity.post<{ created: boolean }>('/internal/v1/operators', { email })).created
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 422)
      throw usageFailure(`"${email}" is no mail address`, 'slipway operator add <email>')
    throw error
  }
}

/** The internal listener of the stack that runs here, or the one that the environment names. */
function identityOf(home: Home): ApiClient {
  const port = liveState(home.state) ? readConnections(home)?.processes['identity-api']?.internal : undefined
  if (port !== undefined) return new ApiClient(`http://127.0.0.1:${port}`, `Service ${cliCredential(new StackSecrets(home.secrets))}`)
  const { identityUrl, serviceCredential } = readIdentity()
  if (identityUrl && serviceCredential) return new ApiClient(identityUrl.href, `Service ${serviceCredential.reveal()}`)
  throw new Failure(`no stack runs in ${home.folder}, and SLIPWAY_IDENTITY_URL and SLIPWAY_SERVICE_CREDENTIAL are not set`, {
    fix: `start the stack with \`slipway up${homeOption(home)}\`, or set both variables`,
  })
}

/** Only these two, as files or not: other variables of the platform are none of this command's business. */
function readIdentity() {
  const { identityUrl, serviceCredential } = platformVariables.auth
  const inherited = processEnvironment()
  const names = [identityUrl, serviceCredential].flatMap(({ name }) => [name, `${name}_FILE`])
  return readConfig({ identityUrl, serviceCredential }, Object.fromEntries(names.map((name) => [name, inherited[name]])))
}
