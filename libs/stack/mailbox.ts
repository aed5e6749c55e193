import { EventEmitter } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { makeFolder, writePrivately } from './home.ts'

/** A mail that was caught. `from` and `to` are those of the envelope: who would have got it. */
export interface Mail {
  readonly id: string
  /** ISO 8601. */
  readonly receivedAt: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string | null
  /** Names in lower case; several of one name are joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly attachments: readonly { readonly name: string; readonly contentType: string; readonly size: number }[]
}

export type NewMail = Omit<Mail, 'id' | 'receivedAt'>

interface MailboxOptions {
  /** Where mails are kept; in memory only without it. */
  folder?: string | undefined
  keep: number
}

/** The last mails in the order of their arrival. */
export class Mailbox {
  readonly #options: MailboxOptions
  readonly #arrivals = new EventEmitter<{ mail: [Mail] }>().setMaxListeners(0)
  #mails: Mail[]
  #sequence: number

  private constructor(options: MailboxOptions, mails: Mail[]) {
    this.#options = options
    this.#mails = mails
    this.#sequence = Number(mails.at(-1)?.id ?? 0)
  }

  static async open(options: MailboxOptions): Promise<Mailbox> {
    const mailbox = new Mailbox(options, options.folder === undefined ? [] : await readMails(options.folder))
    await mailbox.#dropOldest()
    return mailbox
  }

  list(): readonly Mail[] {
    return [...this.#mails]
  }

  find(id: string): Mail | undefined {
    return this.#mails.find((mail) => mail.id === id)
  }

  async add(mail: NewMail): Promise<Mail> {
    this.#sequence += 1
    const kept: Mail = { id: String(this.#sequence).padStart(8, '0'), receivedAt: new Date().toISOString(), ...mail }
    this.#mails.push(kept)
    if (this.#options.folder !== undefined) await writePrivately(this.#fileOf(this.#options.folder, kept.id), JSON.stringify(kept))
    await this.#dropOldest()
    this.#arrivals.emit('mail', kept)
    return kept
  }

  /** Answers false when there is no such mail. */
  async remove(id: string): Promise<boolean> {
    const before = this.#mails.length
    this.#mails = this.#mails.filter((mail) => mail.id !== id)
    if (this.#mails.length === before) return false
    if (this.#options.folder !== undefined) await rm(this.#fileOf(this.#options.folder, id), { force: true })
    return true
  }

  async clear(): Promise<void> {
    for (const mail of this.list()) await this.remove(mail.id)
  }

  /** The first mail that fits, of those that are here and those to come. Rejects after that many seconds. */
  async waitFor(fits: (mail: Mail) => boolean, seconds = 30): Promise<Mail> {
    const here = this.#mails.find(fits)
    if (here) return here
    return new Promise((done, fail) => {
      const end = () => {
        clearTimeout(timer)
        this.#arrivals.off('mail', look)
      }
      const look = (mail: Mail) => {
        if (!fits(mail)) return
        end()
        done(mail)
      }
      const timer = setTimeout(() => {
        end()
        fail(new Error(`no such mail came within ${seconds} s; the mailbox has ${this.#subjects() || 'none'}`))
      }, seconds * 1000)
      this.#arrivals.on('mail', look)
    })
  }

  #subjects(): string {
    return this.#mails.map((mail) => `"${mail.subject}" to ${mail.to.join(', ')}`).join('; ')
  }

  async #dropOldest(): Promise<void> {
    for (const mail of this.#mails.slice(0, Math.max(0, this.#mails.length - this.#options.keep))) await this.remove(mail.id)
  }

  #fileOf(folder: string, id: string): string {
    return resolve(folder, `${id}.json`)
  }
}

/** Ids are counted up, so that the order of names is the order of arrival. */
async function readMails(folder: string): Promise<Mail[]> {
  await makeFolder(folder, 0o700)
  const names = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name)).sort()
  return (await Promise.all(names.map((name) => readMail(resolve(folder, name))))).flat()
}

/** A file that is no mail, for instance one that a full disk has cut short, is passed over. */
async function readMail(path: string): Promise<Mail[]> {
  try {
    const mail = JSON.parse(await readFile(path, 'utf8')) as Mail
    return typeof mail.id === 'string' ? [mail] : []
  } catch {
    return []
  }
}
