import { Button, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, session } from '../../api/runtime.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import classes from './sign-in.module.css'

/** Somebody without any tenant begins by making one. */
export function NoTenant() {
  const [name, setName] = useState('')
  const [slug, setSlug] = useState('')
  const create = useMutation({
    mutationFn: async () => {
      await api.call('POST /api/v1/tenants', { body: { name, slug } })
      await session.switchTenant(slug)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <main className={classes.page}>
      <Paper withBorder p="xl" className={classes.card}>
        <form onSubmit={submit}>
          <Stack>
            <Title order={1} size="h2">
              Make your first tenant
            </Title>
            <Text size="sm">
              A tenant is where your team's files, menus and keys live. If somebody has invited you, open the link in the mail instead.
            </Text>
            <TextInput label="Name" required maxLength={100} value={name} onChange={(event) => setName(event.currentTarget.value)} />
            <TextInput
              label="Short name"
              description="For addresses: small letters, digits and hyphens"
              required
              minLength={3}
              maxLength={63}
              pattern="[a-z0-9][a-z0-9\-]*[a-z0-9]"
              value={slug}
              onChange={(event) => setSlug(event.currentTarget.value)}
            />
            {create.error && <ProblemAlert error={create.error} />}
            <Button type="submit" loading={create.isPending}>
              Make it
            </Button>
            <Button variant="default" onClick={() => void session.signOut()}>
              Sign out
            </Button>
          </Stack>
        </form>
      </Paper>
    </main>
  )
}
