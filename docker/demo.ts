import { homeAt, makeHome } from '../cli/home.ts'
import { StackSecrets } from '../cli/secrets.ts'
import { readDevEnv, writeDevEnv } from '../cli/stack/dev-env.ts'
import { seed } from '../cli/stack/seed.ts'

/**
 * A tenant, a person and an API key to begin with, in an installation that is empty and takes sign-ups; and how to use them. What an
 * earlier run has made stays. `node docker/demo.ts FOLDER URL_FROM_HERE URL_FOR_PEOPLE`
 */
const [folder, url = '', publicUrl = ''] = process.argv.slice(2)
const home = homeAt(folder)
makeHome(home)
await seed({ home, url, secrets: new StackSecrets(home.secrets), progress: (text) => console.log(text) })
const made = readDevEnv(home.devEnv)
if (made === undefined) throw new Error(`${home.devEnv} was not written`)
writeDevEnv(home.devEnv, { ...made, SLIPWAY_URL: publicUrl })
console.log(`
  Console        ${publicUrl}
  Tenant         ${made.SLIPWAY_TENANT}
  Sign-in        ${made.SLIPWAY_EMAIL}  ${made.SLIPWAY_PASSWORD}
  API key        ${made.SLIPWAY_API_KEY}
  Documentation  ${publicUrl}/docs
  Mails          ${publicUrl}/dev/mail

  docker compose cp demo:${home.devEnv} . has the same for shells.`)
